import Configurations
import Glibc
import Tensors
import Testing
import Training

/// The counter of Tests/AllocationCounter, where it has been preloaded.
enum AllocationCounter {
    private typealias Function = @convention(c) () -> Int

    /// Allocations of more than 64 KiB that this thread has made; nil without the counter.
    static var count: Int? {
        dlsym(nil, "emend_large_allocations").map { unsafeBitCast($0, to: Function.self)() }
    }
}

@Suite(
    "Memory of the compute threads",
    .enabled(
        if: AllocationCounter.count != nil,
        "needs LD_PRELOAD: see Tests/AllocationCounter/counter.c"))
struct AllocationTests {
    @Test("The counter notices a large allocation and no small one")
    func control() throws {
        let before = try #require(AllocationCounter.count)
        for size in [1000, 65_536, 65_537, 1 << 20] {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            memset(memory, 1, size)
            memory.deallocate()
        }
        #expect(try #require(AllocationCounter.count) == before + 2)
    }

    @Test(
        "After the first step a slot allocates nothing over 64 KiB",
        arguments: SlotTrainerTests.cases)
    func steadyState(_ c: SlotTrainerTests.Case) throws {
        var configuration = TinyRun.configuration(c.method)
        configuration.data.crop = 129
        let trainer = try SlotTrainer(
            configuration, source: MadeUpBatches(classNames: TinyRun.classNames),
            pool: ThreadPool(threadCount: 1))
        let parameters = try InitialParameters(configuration, trainer.tensors).buffers
        let phase = trainer.schedule.phases.firstIndex { $0.name == c.phase }!
        let gradients = FlatBuffers(
            trainer.tensors, groups: trainer.schedule.phases[phase].trainedGroups)
        var counts: [Int] = []
        for step in 0..<4 {
            let before = try #require(AllocationCounter.count)
            _ = try trainer.compute(
                phase: phase, stepInPhase: step, slot: 0, parameters: parameters,
                gradients: gradients)
            counts.append(try #require(AllocationCounter.count) - before)
        }
        #expect(counts[0] > 0, "the first step compiles its plans")
        #expect(counts[1...] == [0, 0, 0])
    }
}
