import CLinux

/// What becomes of memory that the process frees.
enum FreedMemory {
    /// Keeps it for the next allocation, of whichever thread, instead of giving it to the system.
    ///
    /// Messages of some megabytes come and go all the time: by glibc's defaults each is mapped anew,
    /// and the system clears a thousand pages for it. To be called before the process has threads.
    static func keep() { emend_linux_keep_freed_memory() }
}
