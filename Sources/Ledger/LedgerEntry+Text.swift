extension LedgerEntry {
    /// What the step came to: equal on every cluster.
    var resultText: String {
        "{\"step\":\(step),\"decision\":\(quoted(decision.rawValue))"
            + ",\"trailer\":\(trailer.text),\"learning_rate\":\(Self.text(learningRate))"
            + ",\"chunks\":\(list(chunkHashes) { "[\($0.chunk),\(digits($0.hash))]" })}"
    }

    /// Who computed what, and what each shard said of it.
    var accountText: String {
        var workers: [String] = []
        let shards = list(shards) { $0.text(&workers) }
        return "{\"workers\":\(list(workers, quoted)),\"shards\":\(shards)}"
    }

    fileprivate static func text(_ learningRate: UInt64?) -> String {
        learningRate.map(digits) ?? "null"
    }
}

extension LedgerEntry.Trailer {
    fileprivate var text: String {
        "{\"samples\":\(samples),\"valid_pixels\":\(validPixels),\"finite\":\(isFinite)"
            + ",\"losses\":\(list(losses, digits)),\"metrics\":\(list(metrics, digits))"
            + ",\"maximum_gradient\":\(digits(maximumAbsoluteGradient))}"
    }
}

extension LedgerEntry.Shard {
    /// - Parameter workers: the incarnations named so far; contributions refer to it by place.
    fileprivate func text(_ workers: inout [String]) -> String {
        func place(_ incarnation: String) -> Int {
            if let place = workers.firstIndex(of: incarnation) { return place }
            workers.append(incarnation)
            return workers.count - 1
        }
        let trailers = list(trailerContributions) {
            "[\($0.slots.lowerBound),\($0.slots.upperBound),\($0.attempt),\(place($0.incarnation))]"
        }
        let chunks = list(chunks) { chunk in
            let contributions = list(chunk.contributions) {
                "[\($0.slots.lowerBound),\($0.slots.upperBound),\($0.attempt),"
                    + "\(place($0.incarnation)),\(digits($0.digest))]"
            }
            return "{\"chunk\":\(chunk.chunk),\"contributions\":\(contributions)}"
        }
        return "{\"shard\":\(index),\"decision\":\(quoted(decision.rawValue))"
            + ",\"trailer\":\(trailer.text),\"learning_rate\":\(LedgerEntry.text(learningRate))"
            + ",\"state\":\(digits(stateHash)),\"trailers\":\(trailers),\"chunks\":\(chunks)}"
    }
}

// MARK: Reading

extension LedgerEntry: Decodable {
    private struct Result: Decodable {
        var step: UInt64
        var decision: Decision
        var trailer: Trailer
        var learningRate: String?
        var chunks: [ChunkHash]
    }

    private struct Account: Decodable {
        var workers: [String]
        var shards: [ShardRow]
    }

    private struct ShardRow: Decodable {
        var shard: Int
        var decision: Decision
        var trailer: Trailer
        var learningRate: String?
        var state: String
        var trailers: [ContributionRow]
        var chunks: [ChunkRow]
    }

    private struct ChunkRow: Decodable {
        var chunk: Int
        var contributions: [ContributionRow]
    }

    /// `[lower, upper, attempt, place of the worker]`, and a payload's digest.
    private struct ContributionRow: Decodable {
        var slots: Range<Int>
        var attempt: UInt64
        var worker: Int
        var digest: UInt64

        init(from decoder: any Decoder) throws {
            var row = try decoder.unkeyedContainer()
            let (lower, upper) = (try row.decode(Int.self), try row.decode(Int.self))
            guard lower <= upper else { throw MalformedLine("slots [\(lower), \(upper))") }
            slots = lower..<upper
            attempt = try row.decode(UInt64.self)
            worker = try row.decode(Int.self)
            digest = row.isAtEnd ? 0 : try value(ofDigits: row.decode(String.self))
        }

        func contribution(_ workers: [String]) throws -> Contribution {
            guard workers.indices.contains(worker) else {
                throw MalformedLine("worker \(worker) of \(workers.count)")
            }
            return Contribution(
                slots: slots, attempt: attempt, incarnation: workers[worker], digest: digest)
        }
    }

    private enum LineKey: String, CodingKey { case result, account }

    package init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: LineKey.self)
        let result = try line.decode(Result.self, forKey: .result)
        let account = try line.decode(Account.self, forKey: .account)
        step = result.step
        decision = result.decision
        trailer = result.trailer
        learningRate = try result.learningRate.map { try value(ofDigits: $0) }
        chunkHashes = result.chunks
        shards = try account.shards.map { row in
            Shard(
                index: row.shard, decision: row.decision, trailer: row.trailer,
                learningRate: try row.learningRate.map { try value(ofDigits: $0) },
                stateHash: try value(ofDigits: row.state),
                trailerContributions: try row.trailers.map {
                    try $0.contribution(account.workers)
                },
                chunks: try row.chunks.map { chunk in
                    ChunkContributions(
                        chunk: chunk.chunk,
                        contributions: try chunk.contributions.map {
                            try $0.contribution(account.workers)
                        })
                })
        }
    }
}

extension LedgerEntry.Decision: Decodable {}

extension LedgerEntry.Trailer: Decodable {
    private struct Row: Decodable {
        var samples: UInt64
        var validPixels: UInt64
        var finite: Bool
        var losses: [String]
        var metrics: [String]
        var maximumGradient: String
    }

    package init(from decoder: any Decoder) throws {
        let row = try Row(from: decoder)
        self.init(
            samples: row.samples, validPixels: row.validPixels, isFinite: row.finite,
            losses: try row.losses.map { try value(ofDigits: $0) },
            metrics: try row.metrics.map { try value(ofDigits: $0) },
            maximumAbsoluteGradient: try value(ofDigits: row.maximumGradient))
    }
}

extension LedgerEntry.ChunkHash: Decodable {
    package init(from decoder: any Decoder) throws {
        var row = try decoder.unkeyedContainer()
        chunk = try row.decode(Int.self)
        hash = try value(ofDigits: row.decode(String.self))
    }
}
