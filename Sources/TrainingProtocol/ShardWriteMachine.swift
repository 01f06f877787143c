/// Writes one shard of a checkpoint: the directories that lead to it, outermost first and each
/// durable in its parent, then the file, atomically.
package struct ShardWriteMachine: Sendable {
    package typealias Effect = FileEffect<FileOutcome>

    private enum Stage {
        case directory(DirectoryMachine)
        case file
    }

    private var directories: ArraySlice<String>
    private var file: AtomicWriteMachine
    private var stage: Stage?

    /// - Parameter directories: outermost first; the parent of the first is there.
    package init(directories: [String], file: AtomicWriteMachine) {
        self.directories = directories[...]
        self.file = file
    }

    package mutating func start() -> Effect { nextStage() }

    package mutating func handle(_ result: FileResult) -> Effect {
        switch stage {
        case nil:
            preconditionFailure("\(result) before the start")
        case .directory(var machine):
            let effect = machine.handle(result)
            stage = .directory(machine)
            return effect == .finish(.durable) ? nextStage() : effect
        case .file:
            return file.handle(result)
        }
    }

    private mutating func nextStage() -> Effect {
        guard let path = directories.popFirst() else {
            stage = .file
            return file.start()
        }
        var machine = DirectoryMachine(path: path)
        let effect = machine.start()
        stage = .directory(machine)
        return effect
    }
}
