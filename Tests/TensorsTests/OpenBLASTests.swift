import Tensors
import Testing

@Suite struct OpenBLASTests {
    @Test func `the installed OpenBLAS is the POSIX-threads build`() throws {
        try OpenBLAS.prepare()
        #expect(OpenBLAS.build.contains("OpenBLAS"))
    }

    @Test(arguments: [0, 2])
    func `another build is named`(parallel: Int) {
        let message = OpenBLAS.WrongBuild(parallel: parallel).description
        #expect(message.contains(parallel == 0 ? "serial" : "OpenMP"))
        #expect(message.contains("libopenblas0-pthread"))
    }
}
