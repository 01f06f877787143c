/// The derivative of `f` along each coordinate, by central differences of width 2h.
package func centralDifferences(
    at point: [Double], h: Double = 1e-5, _ f: ([Double]) -> Double
) -> [Double] {
    var moved = point
    return point.indices.map { index in
        defer { moved[index] = point[index] }
        moved[index] = point[index] + h
        let above = f(moved)
        moved[index] = point[index] - h
        return (above - f(moved)) / (2 * h)
    }
}
