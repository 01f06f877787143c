import Synchronization

/// Decoded samples, the least recently used forgotten first.
package final class SampleCache: Sendable {
    private struct Entry {
        var sample: Sample
        var lastUse: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var byteCount = 0
        var clock: UInt64 = 0
    }

    private let capacityByteCount: Int
    private let state = Mutex(State())

    package init(capacityByteCount: Int) {
        self.capacityByteCount = capacityByteCount
    }

    package subscript(key: String) -> Sample? {
        state.withLock { state in
            state.clock += 1
            state.entries[key]?.lastUse = state.clock
            return state.entries[key]?.sample
        }
    }

    /// Keeps a sample where it fits, at the cost of older ones.
    package func insert(_ sample: Sample, for key: String) {
        guard sample.byteCount <= capacityByteCount else { return }
        state.withLock { state in
            guard state.entries[key] == nil else { return }
            while state.byteCount + sample.byteCount > capacityByteCount,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.entries[oldest.key] = nil
                state.byteCount -= oldest.value.sample.byteCount
            }
            state.clock += 1
            state.entries[key] = Entry(sample: sample, lastUse: state.clock)
            state.byteCount += sample.byteCount
        }
    }

    /// Bytes of pixels held.
    package var byteCount: Int { state.withLock { $0.byteCount } }
}
