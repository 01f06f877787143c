import Launcher

/// A run told to a supervisor, event by event, with a clock of its own.
struct Story {
    var supervisor: Supervisor
    var milliseconds: UInt64 = 0

    init(
        restart: RestartPolicy = .auto, servers: Int = 1, workers: Int = 2,
        limits: Supervisor.Limits = Supervisor.Limits()
    ) {
        supervisor = Supervisor(
            restart: restart, servers: servers, workers: workers, limits: limits)
    }

    /// A run of one server and two workers that all take part.
    static func running(
        restart: RestartPolicy = .auto, limits: Supervisor.Limits = Supervisor.Limits()
    ) -> Story {
        var story = Story(restart: restart, limits: limits)
        _ = story.handle(.began)
        _ = story.handle(.listening)
        for name in [.coordinator, .server(0), .worker(0), .worker(1)] as [ChildName] {
            _ = story.handle(.greeted(name))
        }
        return story
    }

    mutating func handle(_ event: Supervisor.Event) -> [Supervisor.Action] {
        var actions: [Supervisor.Action] = []
        supervisor.handle(event, at: milliseconds, into: &actions)
        return actions
    }

    mutating func wait(_ milliseconds: UInt64) -> [Supervisor.Action] {
        self.milliseconds += milliseconds
        return handle(.ticked)
    }

    /// Lets every child end as given, and gives what followed from that.
    mutating func end(_ names: [ChildName], _ exit: ChildExit = .status(143))
        -> [Supervisor.Action]
    {
        names.flatMap { handle(.exited($0, exit)) }
    }
}

extension [Supervisor.Action] {
    /// Without what is merely told.
    var deeds: [Supervisor.Action] {
        filter { if case .tell = $0 { false } else { true } }
    }
}
