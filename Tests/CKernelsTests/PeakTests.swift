import CKernels
import Testing

@Suite struct PeakTests {
    @Test(
        "A burst counts two operations for each lane of its twelve chains",
        arguments: [(CK_GENERIC, 1), (CK_AVX2, 8), (CK_AVX512, 16), (CK_NEON, 4)])
    func operations(level: ck_isa, lanes: Int) {
        let isThere = ck_table_for(level) != nil
        #expect(ck_fma_burst(level, 1000) == (isThere ? Double(2 * 12 * lanes * 1000) : 0))
        #expect(ck_fma_burst(level, 0) == 0)
    }
}
