import TrainingProtocol

// How processes work on the run's directory: nothing happens at once, so that a crash may come
// between any two operations.
extension Simulation {
    mutating func enqueue(
        _ work: StorageQueue.Work, as id: JobID?, of process: Int
    ) throws(InvariantViolation) {
        let lane = work.lane
        processes[process].storage[lane].waiting.append((id, work))
        if processes[process].storage[lane].waiting.count == 1 {
            try beginWork(of: process, lane)
        }
    }

    private mutating func beginWork(
        of process: Int, _ lane: Storage.Lane
    ) throws(InvariantViolation) {
        guard let work = processes[process].storage[lane].waiting.first?.work else { return }
        switch work {
        case .opening: try begin(RunOpening(), of: process, lane)
        case .files(let job): try begin(job, of: process, lane)
        case .journal(let fact):
            guard let journal = processes[process].storage.journal else {
                throw InvariantViolation("\(processes[process].name) has no journal")
            }
            try begin(JournalAppend(fact, to: journal, on: &jobs.disk), of: process, lane)
        case .ledger:
            let milliseconds = random.below(options.diskMilliseconds + 1)
            queue.add(.storage(process: process, lane), at: at(milliseconds))
        }
    }

    private mutating func begin(
        _ job: any StorageJob, of process: Int, _ lane: Storage.Lane
    ) throws(InvariantViolation) {
        var job = job
        let effect = try job.start(on: &jobs.disk)
        try follow(effect, of: job, process, lane)
    }

    /// The operation that a process waits for happens, or fails.
    mutating func advanceStorage(
        of process: Int, _ lane: Storage.Lane
    ) throws(InvariantViolation) {
        guard processes[process].isAlive else { return }
        let work = processes[process].storage[lane]
        if case .ledger(let ledgerChange)? = work.waiting.first?.work {
            return try endWork(with: .finished(try change(ledgerChange)), of: process, lane)
        }
        guard var job = work.job, let operation = work.operation else { return }
        var bytes: [UInt8] = []
        if case .write(let offset, let byteCount) = operation {
            bytes = Array(job.content[offset..<offset + byteCount])
        }
        drawFault(of: operation, bytes, process, lane)
        let result = jobs.disk.fileSystem.perform(
            operation, bytes, on: &job.file, by: processes[process].host)
        let effect = try job.handle(result, on: &jobs.disk)
        try follow(effect, of: job, process, lane)
    }

    private mutating func follow(
        _ effect: StorageEffect, of job: any StorageJob, _ process: Int, _ lane: Storage.Lane
    ) throws(InvariantViolation) {
        switch effect {
        case .perform(let operation):
            processes[process].storage[lane].job = job
            processes[process].storage[lane].operation = operation
            let span = duration(of: operation, on: job.file)
            queue.add(
                .storage(process: process, lane), at: Instant(nanoseconds: now.nanoseconds + span))
        case .finish(let outcome): try endWork(with: outcome, of: process, lane)
        }
    }

    private mutating func endWork(
        with outcome: StorageOutcome, of process: Int, _ lane: Storage.Lane
    ) throws(InvariantViolation) {
        let id = processes[process].storage[lane].waiting.removeFirst().id
        processes[process].storage[lane].job = nil
        switch outcome {
        case .opened(let run): return try begin(run, as: process)
        case .appended(let outcome, let journal):
            processes[process].storage.journal = journal
            report(outcome, of: id, process)
        case .finished(.failed(let failure)) where id == nil:
            return terminate(process, .jobFailed(failure))
        case .finished(let outcome): report(outcome, of: id, process)
        }
        try beginWork(of: process, lane)
    }

    private mutating func report(_ outcome: JobOutcome, of id: JobID?, _ process: Int) {
        guard let id else { return }
        queue.add(.event(.finished(id, outcome), process: process), at: now)
    }

    // MARK: The disk

    /// In nanoseconds: waiting for the disk takes its time, and so does the way to the kernel.
    private mutating func duration(
        of operation: FileOperation, on file: SimulatedFileSystem.Handle?
    ) -> UInt64 {
        let call = 1 + random.below(1_000_000)
        let least = jobs.disk.fileSystem.milliseconds(for: operation, on: file)
        guard least > 0 else { return call }
        return call + (least - 1 + random.below(options.diskMilliseconds)) * 1_000_000
    }

    /// A failure to write a fact ends a coordinator.
    private mutating func drawFault(
        of operation: FileOperation, _ bytes: [UInt8], _ process: Int, _ lane: Storage.Lane
    ) {
        let chance =
            switch lane {
            case .facts: options.journalFailureOneIn
            case .checkpoints: options.diskFailureOneIn
            }
        guard isFaulty, random.happens(oneIn: chance) else { return }
        let fault: SimulatedFileSystem.Fault =
            switch random.below(4) {
            case 0: .error(.interrupted)
            case 1: .error(.noSpace)
            case 2: .shortWrite(byteCount: Int(random.below(UInt64(bytes.count) + 1)))
            default: .error(.inputOutput)
            }
        jobs.disk.fileSystem.failOperation(jobs.disk.fileSystem.operationCount, fault)
        tell { "\($0.processes[process].name): \(operation) fails: \(fault)" }
    }

    private mutating func change(
        _ change: StorageQueue.LedgerChange
    ) throws(InvariantViolation) -> JobOutcome {
        if isFaulty, random.happens(oneIn: options.journalFailureOneIn) {
            return .failed(JobFailure(kind: .storage, explanation: "the disk failed"))
        }
        switch change {
        case .append(let records):
            try jobs.disk.append(records)
            return .recorded
        case .cut(let version):
            jobs.disk.cutLedger(version)
            return .ledgerCut
        }
    }
}
