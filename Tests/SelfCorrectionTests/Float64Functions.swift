import Foundation

/// e^x of the C library: tests compare with it, no parameter depends on it.
func exponential(_ x: Double) -> Double { exp(x) }

/// Natural logarithm of the C library.
func logarithm(_ x: Double) -> Double { log(x) }
