/// Names one process of a local run, however often it is started.
public struct ChildName: Hashable, Sendable, CustomStringConvertible {
    /// What the process does in the run.
    public enum Role: String, Sendable {
        case coordinator, server, worker
    }

    /// What the process does.
    public let role: Role
    /// Among the processes of its role, from 0.
    public let index: Int

    private init(_ role: Role, _ index: Int) {
        self.role = role
        self.index = index
    }

    /// The one coordinator.
    public static let coordinator = ChildName(.coordinator, 0)

    /// A parameter server, from 0.
    public static func server(_ index: Int) -> ChildName { ChildName(.server, index) }

    /// A worker, from 0.
    public static func worker(_ index: Int) -> ChildName { ChildName(.worker, index) }

    /// The name used in logs and messages, for example `worker-1`.
    public var description: String {
        role == .coordinator ? "coordinator" : "\(role.rawValue)-\(index)"
    }
}
