import ArgumentParser
import Roles

/// `emend scale`: changes how many workers a run of this machine has.
struct Scale: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change how many workers a run has; its `emend train` starts or drains them.",
        discussion: """
            Returns once the coordinator has put the number on record. Workers that were started \
            by hand are not touched.
            """)

    @OptionGroup var location: CoordinatorLocation
    @Option(help: "Worker processes that the run is to have.") var workers: Int
    @Flag(help: "End with the status, as one line of JSON.") var json = false

    func validate() throws {
        let allowed = Observer.workerCounts
        guard allowed.contains(workers) else {
            throw ValidationError(
                "--workers must be \(allowed.lowerBound) to \(allowed.upperBound), not \(workers)")
        }
    }

    func run() throws {
        try reportingErrors {
            let report = try location.observer().scale(workers: workers)
            guard !json else { return print(try jsonLine(report)) }
            print("the run is to have \(workers) workers; it has \(report.workerCount)")
        }
    }
}
