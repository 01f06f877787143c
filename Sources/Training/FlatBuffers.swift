/// One flat buffer of floats per tensor group, in the order of a ``TensorList``.
///
/// The memory starts as zeros and is the owner's to fill; a slot's parameters and gradients both
/// have this form.
public final class FlatBuffers {
    /// The groups that have a buffer.
    public let groups: [TensorGroup]
    private let buffers: [UnsafeMutableBufferPointer<Float>]

    /// Allocates the given groups of a list; each must be in it.
    public init(_ tensors: TensorList, groups: [TensorGroup]) {
        self.groups = groups
        buffers = groups.map { group in
            let buffer = UnsafeMutableBufferPointer<Float>.allocate(
                capacity: tensors[group].elementCount)
            buffer.initialize(repeating: 0)
            return buffer
        }
    }

    deinit { for buffer in buffers { buffer.deallocate() } }

    /// The elements of a group that was asked for at initialisation.
    public subscript(group: TensorGroup) -> UnsafeMutableBufferPointer<Float> {
        guard let index = groups.firstIndex(of: group) else {
            preconditionFailure("no buffer for \(group); there are \(groups)")
        }
        return buffers[index]
    }
}
