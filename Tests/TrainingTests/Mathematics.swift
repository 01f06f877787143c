import Foundation

/// e^x for tests that are written in double.
func exponential(_ x: Double) -> Double { exp(x) }

/// x^y for x ≥ 0.
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
