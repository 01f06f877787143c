import Glibc
import TrainingProtocol

/// What a loop needs to know of its process.
package struct LoopSetup: Sendable {
    /// Fresh at each start of the process.
    package var incarnation: Incarnation
    /// Where a coordinator or server listens.
    package var listen: Endpoint?
    package var exposure: Exposure
    /// Where a server, worker or observer finds the coordinator.
    package var coordinator: Endpoint?
    package var limits: TransportLimits

    package init(
        incarnation: Incarnation, listen: Endpoint? = nil, exposure: Exposure = .loopback,
        coordinator: Endpoint? = nil, limits: TransportLimits = TransportLimits()
    ) {
        self.incarnation = incarnation
        self.listen = listen
        self.exposure = exposure
        self.coordinator = coordinator
        self.limits = limits
    }
}

extension Incarnation {
    /// 128 random bits of the system.
    package static func random() -> Incarnation {
        var generator = SystemRandomNumberGenerator()
        return Incarnation(high: generator.next(), low: generator.next())
    }
}

extension RunID {
    /// 128 random bits of the system.
    package static func random() -> RunID {
        var generator = SystemRandomNumberGenerator()
        return RunID(high: generator.next(), low: generator.next())
    }
}

extension Instant {
    /// Now, by the system's monotonic clock.
    package static func monotonicNow() -> Instant {
        var time = timespec()
        let result = clock_gettime(CLOCK_MONOTONIC, &time)
        precondition(result == 0, "no monotonic clock")
        return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }
}
