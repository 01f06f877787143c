import Glibc
import Synchronization

/// Standard error, or any descriptor: whole lines above, at most one status line that is redrawn
/// below them.
public final class TerminalOutput: Sendable {
    private let descriptor: Int32
    private let status = Mutex("")

    /// - Parameter descriptor: stays open for as long as the value is used.
    public init(descriptor: Int32 = STDERR_FILENO) { self.descriptor = descriptor }

    /// Whether a person may be watching.
    public var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Columns of the terminal; nil where that is not known.
    public var width: Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Writes a line with one call, so that lines of several processes do not mix.
    public func write(line: String) {
        status.withLock { status in
            if status.isEmpty {
                send(line + "\n")
            } else {
                send("\r\u{1B}[K" + line + "\n" + status)
            }
        }
    }

    /// Shows or replaces the status line.
    public func show(status line: String) {
        status.withLock { status in
            status = line
            send("\r\u{1B}[K" + line)
        }
    }

    /// Leaves the status line standing as an ordinary line.
    public func finishStatus() {
        status.withLock { status in
            guard !status.isEmpty else { return }
            status = ""
            send("\n")
        }
    }

    /// Nobody is left to be told of an error here: what cannot be written is dropped.
    private func send(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
