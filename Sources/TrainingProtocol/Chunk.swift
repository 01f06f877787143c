/// A contiguous piece of one group's flat list of tensors: the unit of placement, pull and push.
package struct Chunk: Hashable, Sendable {
    package let id: ChunkID
    package let group: Group
    /// Offset in the group's flat list, in elements.
    package let firstElement: Int
    package let elementCount: Int

    package init(id: ChunkID, group: Group, firstElement: Int, elementCount: Int) {
        self.id = id
        self.group = group
        self.firstElement = firstElement
        self.elementCount = elementCount
    }

    package var byteCount: Int { elementCount * 4 }
}
