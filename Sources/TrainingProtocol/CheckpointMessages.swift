/// A file of a checkpoint, as it lies on disk.
package struct WrittenFile: Hashable, Sendable {
    /// Inside the checkpoint's directory.
    package let name: String
    package let byteCount: UInt64
    package let hash: ContentHash

    package init(name: String, byteCount: UInt64, hash: ContentHash) {
        self.name = name
        self.byteCount = byteCount
        self.hash = hash
    }
}

package struct ShardWritten: Hashable, Sendable {
    package let shard: ShardIndex
    package let version: Version
    package let files: [WrittenFile]
    /// What the manifest says of the shard beside its files, in the checkpoint format's own terms.
    package let description: Frame

    package init(shard: ShardIndex, version: Version, files: [WrittenFile], description: Frame) {
        self.shard = shard
        self.version = version
        self.files = files
        self.description = description
    }
}

package struct ShardNotWritten: Hashable, Sendable {
    package let shard: ShardIndex
    package let version: Version
    package let explanation: String

    package init(shard: ShardIndex, version: Version, explanation: String) {
        self.shard = shard
        self.version = version
        self.explanation = explanation
    }
}

package struct ShardWrittenAcknowledged: Hashable, Sendable {
    package let shard: ShardIndex
    package let version: Version

    package init(shard: ShardIndex, version: Version) {
        self.shard = shard
        self.version = version
    }
}
