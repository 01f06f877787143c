import COpenBLAS

/// The matrix library, one thread per call: an engine beside our own, and their check.
public enum OpenBLAS {
    /// The installed OpenBLAS is not the build with POSIX threads.
    public struct WrongBuild: Error, CustomStringConvertible {
        /// What `openblas_get_parallel` answered: 0 serial, 1 POSIX threads, 2 OpenMP.
        public let parallel: Int

        package init(parallel: Int) { self.parallel = parallel }

        /// Which build is installed, and the remedy.
        public var description: String {
            let build = parallel == 0 ? "serial" : parallel == 2 ? "OpenMP" : "unknown"
            return "OpenBLAS is its \(build) build; Emend needs the one with POSIX threads: "
                + "install libopenblas0-pthread and choose it with update-alternatives"
        }
    }

    /// To be called once at start: limits each product to its caller's thread.
    ///
    /// Throws ``WrongBuild`` unless the library is the POSIX-threads build.
    public static func prepare() throws {
        openblas_set_num_threads(1)
        let parallel = Int(openblas_get_parallel())
        guard parallel == 1 else { throw WrongBuild(parallel: parallel) }
    }

    /// Name of the processor the library's kernels were chosen for, and its build.
    public static var build: String {
        String(cString: openblas_get_corename()) + ", " + String(cString: openblas_get_config())
    }
}

/// Products of row-major matrices without gaps between rows.
extension OpenBLAS {
    /// `c[m, n] (+)= a[m, k] · b`, where `b[k, n]` lies as the layout says.
    static func times(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        _ layout: RightFactor.Layout, m: Int, n: Int, k: Int, store: Store
    ) {
        let isTransposed = layout == .transposed
        cblas_sgemm(
            CblasRowMajor, CblasNoTrans, isTransposed ? CblasTrans : CblasNoTrans, Int32(m),
            Int32(n), Int32(k), 1, a, Int32(k), b, Int32(isTransposed ? k : n), store.factor, c,
            Int32(n))
    }

    /// `c[m, n] (+)= a[k, m]ᵀ · b[k, n]`.
    static func transposedTimes(
        _ c: UnsafeMutablePointer<Float>, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
        m: Int, n: Int, k: Int, store: Store
    ) {
        cblas_sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, Int32(m), Int32(n), Int32(k), 1,
            a, Int32(m), b, Int32(n), store.factor, c, Int32(n))
    }
}
