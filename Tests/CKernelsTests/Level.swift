import CKernels
import Testing

/// A table of kernels under test.
struct Level: Sendable, CustomTestStringConvertible {
    let isa: ck_isa
    var table: ck_table { ck_table_for(isa)!.pointee }
    var testDescription: String { String(cString: table.name) }

    static func isPresent(_ isa: ck_isa) -> Bool { ck_table_for(isa) != nil }

    static let present: [Level] = [CK_GENERIC, CK_AVX2, CK_AVX512, CK_NEON]
        .filter(isPresent).map(Level.init)

    static var twin: ck_table { ck_twin_table()!.pointee }
}

/// Compares the outputs of `body` with the twins', bit by bit (any NaN equals any NaN).
func expectTwinBits(
    _ level: Level, _ label: @autoclosure () -> String, seed: UInt64 = 1,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (ck_table, Workspace) -> Void
) {
    func outputs(_ table: ck_table) -> [UInt64] {
        let workspace = Workspace(seed: seed)
        body(table, workspace)
        return workspace.collect(sourceLocation)
    }
    let expected = outputs(Level.twin)
    let found = outputs(level.table)
    guard expected != found else { return }
    let place = zip(expected, found).enumerated().first { $0.element.0 != $0.element.1 }
    let text = place.map {
        "output word \($0.offset): twin \(String($0.element.0, radix: 16)), "
            + "\(level.testDescription) \(String($0.element.1, radix: 16))"
    }
    Issue.record("\(label()): \(text ?? "counts differ")", sourceLocation: sourceLocation)
}

@Suite("Levels")
struct LevelTests {
    @Test("The generic level exists everywhere and the best level is present")
    func bestLevel() {
        #expect(Level.isPresent(CK_GENERIC))
        #expect(ck_kernels() == ck_table_for(ck_best_isa()))
    }

    @Test(
        "AVX2 kernels are compared with their twins here",
        .enabled(if: Level.isPresent(CK_AVX2), "this processor lacks AVX2: not compared"))
    func avx2() {
        #expect(Level.present.map(\.testDescription).contains("avx2"))
    }

    @Test(
        "AVX-512 kernels are compared with their twins here",
        .enabled(if: Level.isPresent(CK_AVX512), "this processor lacks AVX-512: not compared"))
    func avx512() {
        #expect(Level.present.map(\.testDescription).contains("avx512"))
    }

    @Test(
        "NEON kernels are compared with their twins here",
        .enabled(if: Level.isPresent(CK_NEON), "this processor is not arm64: not compared"))
    func neon() {
        #expect(Level.present.map(\.testDescription).contains("neon"))
    }
}
