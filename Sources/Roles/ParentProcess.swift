import CLinux
import Glibc

/// The launcher that started this process.
public enum ParentProcess {
    /// Asks the kernel to kill this process when its parent dies, and ends at once if it is dead
    /// already: a launcher leaves no orphan even when it is killed itself.
    public static func die(with parent: Int32) {
        _ = emend_linux_die_with_parent()
        guard getppid() == parent else { exit(0) }
    }
}
