import CKernels
import Tensors

/// Linear self-correction, equations 3–5: the q that minimises KL(q‖p) + α·KL(q‖p_anc).
public enum LinearCorrection {
    /// Writes (l + α·a) / (1 + α), the logits of q, where l are the primary's and a the ancillary's.
    ///
    /// Combining at stride 4 equals combining after upsampling, for both are linear.
    public static func combine(
        primary: UnsafePointer<Float>, ancillary: UnsafePointer<Float>, alpha: Double,
        into logits: UnsafeMutablePointer<Float>, count: Int,
        kernels: UnsafePointer<ck_table> = ck_kernels()
    ) {
        precondition(alpha >= 0, "α = \(alpha)")
        kernels.pointee.mix(
            logits, primary, ancillary, Float(1 / (1 + alpha)), Float(alpha / (1 + alpha)), count)
    }
}
