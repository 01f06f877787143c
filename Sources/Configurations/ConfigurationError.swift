/// Everything that is wrong with a configuration, found in one pass.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    /// One line each: where, which key, what was expected, what was found, what to do.
    public var problems: [String]
    /// 78, or 66 where the file is not there.
    public var exitCode: ExitCode

    /// Takes at least one problem.
    public init(_ problems: [String], exitCode: ExitCode = .configuration) {
        precondition(!problems.isEmpty, "an error without a problem")
        self.problems = problems
        self.exitCode = exitCode
    }

    /// One problem per line.
    public var description: String { problems.joined(separator: "\n") }
}
