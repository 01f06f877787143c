import Glibc

/// Runs `body` on a thread of its own at a low priority, and waits for its end.
///
/// Beside a training step it gets what the step leaves over and little more, and rests as its pace
/// says; when training stops it runs at full speed. A thread of its own, because without privileges
/// a thread's priority never rises again.
/// - Parameter makesWay: whether training goes on at this moment.
func inBackground<Value, Failure: Error>(
    makingWayWhile makesWay: @escaping @Sendable () -> Bool,
    _ body: (BackgroundPace) throws(Failure) -> Value
) throws(Failure) -> Value {
    var outcome: Result<Value, Failure>?
    withoutActuallyEscaping(body) { body in
        let work = BackgroundWork {
            // On Linux this is the calling thread alone, not its process.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
            let pace = BackgroundPace(makesWay: makesWay)
            outcome = Result { () throws(Failure) in try body(pace) }
        }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                Unmanaged<BackgroundWork>.fromOpaque(context!).takeUnretainedValue().run()
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        // Without a thread the work is done all the same, only less quietly.
        if code == 0 { pthread_join(thread, nil) } else { work.run() }
        withExtendedLifetime(work) {}
    }
    return try outcome!.get()
}

/// A tenth of a processor where threads of ordinary priority want all of it.
///
/// With the lowest priority of all, 19, it would be a seventieth, too little to end in time.
private let niceness: Int32 = 10

private final class BackgroundWork {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
