extension Collection<Double> {
    /// The middle value, the mean of the two where they are even in number; nil where there are none.
    package var median: Double? {
        let sorted = sorted()
        guard !sorted.isEmpty else { return nil }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
