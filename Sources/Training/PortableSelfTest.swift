import CKernels
import Datasets
import Foundation
import Hashes

/// What the kernels make of fixed numbers and libjpeg-turbo of fixed images, as one hash: machines that
/// give the same are of one class, whatever their processors.
///
/// All numbers, also subnormal ones, come from a counter-based generator.
struct PortableSelfTest {
    private let kernels: UnsafePointer<ck_table>
    private var hash = SHA256()
    private var drawn: UInt64 = 0

    /// The first sixteen hexadecimal digits of the SHA-256 of everything computed.
    static func hash(_ kernels: UnsafePointer<ck_table>) throws -> String {
        var test = PortableSelfTest(kernels: kernels)
        test.multiply()
        test.evaluateFunctions()
        test.normalise()
        test.slideWindows()
        test.resize()
        try test.decodeImages()
        return String(test.hash.finish().prefix(16))
    }

    private init(kernels: UnsafePointer<ck_table>) { self.kernels = kernels }

    // MARK: Numbers

    private mutating func numbers(_ count: Int) -> [Float] {
        (0..<count).map { _ in
            drawn += 1
            return Float(ck_philox_u64(1, 2, drawn) >> 40) * 0x1p-21 - 4
        }
    }

    /// What `body` writes, which becomes part of the hash.
    @discardableResult
    private mutating func result(
        _ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        values.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
        values.withUnsafeBytes { hash.update($0) }
        return values
    }

    // MARK: What is computed

    private mutating func multiply() {
        let (m, k, n) = (37, 301, 53)
        let a = numbers(m * k), b = numbers(k * n), dy = numbers(m * n), kernels = kernels
        var packed = [Float](repeating: 0, count: ck_packed_count(n, k))
        var forward = ck_product(
            rows: m, columns: n, depth: k, c_stride: n, a_stride: k, b_stride: 0,
            store: CK_OVERWRITE, ahead: ck_ahead())
        kernels.pointee.pack(&packed, b, n, n, k)
        result(m * n) { kernels.pointee.multiply($0, a, packed, &forward) }
        var weights = ck_product(
            rows: k, columns: n, depth: m, c_stride: n, a_stride: k, b_stride: n,
            store: CK_OVERWRITE, ahead: ck_ahead())
        result(k * n) { kernels.pointee.multiply_transposed($0, a, dy, &weights) }
    }

    private mutating func evaluateFunctions() {
        let x = numbers(301), kernels = kernels
        let wide = x.map { $0 * 24 }, positive = x.map { abs($0) + 1e-3 }
        result(301) { kernels.pointee.exponential($0, wide, 301) }
        result(301) { kernels.pointee.logarithm($0, positive, 301) }
        result(301) { kernels.pointee.sigmoid($0, wide, 301) }
        // Subnormal numbers must survive, as operands and as results.
        let tiny = result(301) { kernels.pointee.scale($0, x, 0x1p-130, 301) }
        result(301) { kernels.pointee.scale($0, tiny, 0.375, 301) }
    }

    private mutating func normalise() {
        let (rows, channels) = (43, 37), count = rows * channels, kernels = kernels
        let x = numbers(count), dy = numbers(count), shift = numbers(channels)
        let gamma = numbers(channels), beta = numbers(channels)
        let sums = result(2 * channels) {
            kernels.pointee.batch_norm_sums($0, $0 + channels, x, shift, rows, channels)
        }
        let mean = sums[..<channels].map { $0 / Float(rows) }
        let inverse = sums[channels...].map { 1 / ($0 / Float(rows) + 1).squareRoot() }
        result(count) {
            kernels.pointee.batch_norm_apply(
                $0, x, mean, inverse, gamma, beta, CK_RELU6, rows, channels)
        }
        let means = result(2 * channels) {
            kernels.pointee.batch_norm_backward_sums(
                $0, $0 + channels, x, dy, mean, inverse, gamma, beta, CK_RELU, rows, channels)
        }
        result(count) {
            kernels.pointee.batch_norm_backward_apply(
                $0, x, dy, mean, inverse, gamma, beta, means, Array(means[channels...]), CK_RELU,
                rows, channels)
        }
        result(count) { kernels.pointee.softmax_rows($0, x, rows, channels) }
    }

    private mutating func slideWindows() {
        var window = ck_window(
            batch: 1, in_height: 9, in_width: 13, out_height: 5, out_width: 7, channels: 21,
            kernel: 3, stride: 2, dilation: 1, padding: 1)
        let x = numbers(9 * 13 * 21), dy = numbers(5 * 7 * 21), weight = numbers(9 * 21)
        let kernels = kernels
        result(dy.count) { kernels.pointee.depthwise_forward($0, x, 0, weight, &window, 0, 5) }
        result(x.count) {
            kernels.pointee.depthwise_backward_data($0, dy, 0, weight, &window, 0, 9)
        }
        result(weight.count) {
            kernels.pointee.depthwise_backward_weight(
                $0, x, 0, dy, 0, &window, 0, 5, CK_OVERWRITE)
        }
    }

    private mutating func resize() {
        var resize = ck_resize(
            batch: 1, in_height: 5, in_width: 7, out_height: 17, out_width: 25, channels: 5)
        let x = numbers(5 * 7 * 5), dy = numbers(17 * 25 * 5), kernels = kernels
        result(dy.count) { kernels.pointee.bilinear_forward($0, x, &resize, 0, 17) }
        result(x.count) { kernels.pointee.bilinear_adjoint($0, dy, &resize, 0, 5, CK_OVERWRITE) }
        result(dy.count) { kernels.pointee.area_forward($0, x, &resize, 0, 17) }
    }

    private mutating func decodeImages() throws {
        for (sampling, text) in Self.images {
            guard let data = Data(base64Encoded: text) else {
                preconditionFailure("the image of sampling \(sampling) is not base64")
            }
            let image = try JPEG.decode([UInt8](data), path: "self-test \(sampling)")
            image.pixels.withUnsafeBytes { hash.update($0) }
        }
    }

    /// 21×19 pixels of noise on a slope, once for each chroma sampling.
    private static let images = [
        ("4:4:4", image444),
        ("4:2:2", image422),
        ("4:2:0", image420),
    ]

    private static let image444 =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABcQERQRDhcUEhQaGBcbIjklIh8fIkYyNSk5UkhXVVFIUE5bZoNv"
        + "W2F8Yk5QcptzfIeLkpSSWG2grJ+OqoOPko3/2wBDARgaGiIeIkMlJUONXlBejY2NjY2NjY2NjY2NjY2NjY2N"
        + "jY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY3/wAARCAATABUDAREAAhEBAxEB/8QAHwAAAQUBAQEB"
        + "AQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKB"
        + "kaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1"
        + "dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl"
        + "5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcF"
        + "BAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5"
        + "OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0"
        + "tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCDT7boAv4i"
        + "toaETRdkkW3OY2ywzuC4yBjjPXHUc49K8/l9tVbe3T+uv+RVKhzuzX9f15laGEJGNzqhPqa9iKdtD0Kk4x+J"
        + "2NC2iWOMF+ASAOPXj+tcFWfJTb/r+rf0zzrOUrFGSd7l2O4mNcFFIxj3p4akopX3e56Ps1Qg9Nf662/rqKsk"
        + "jZw7pj0UH+lZYu0qlu2muh5jxsns2vkn/kWNXJEESDGHDA8c9u/arl8UT0sJBNyb/rcojq/J+/t69sCtnJwo"
        + "80d9DgzBvm36/oi5GoCDAxkV5nM5as4lFXZ//9k="

    private static let image422 =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABcQERQRDhcUEhQaGBcbIjklIh8fIkYyNSk5UkhXVVFIUE5bZoNv"
        + "W2F8Yk5QcptzfIeLkpSSWG2grJ+OqoOPko3/2wBDARgaGiIeIkMlJUONXlBejY2NjY2NjY2NjY2NjY2NjY2N"
        + "jY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY3/wAARCAATABUDASEAAhEBAxEB/8QAHwAAAQUBAQEB"
        + "AQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKB"
        + "kaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1"
        + "dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl"
        + "5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcF"
        + "BAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5"
        + "OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0"
        + "tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCDT7boAv4i"
        + "rski25zG2WGdwXGQMcZ646jnHpU1lzKMO7JVPnnYrQwhIxudUJ9TRXopStomd8qlOLtJ6mhbRLHGC/AJAHHr"
        + "x/WqMk73LsdxMa4KKRjHvXnxXNVXl+pjh4fFUa2FWSRs4d0x6KD/AEormrJOo3Y43jJPXma+Sf6osauSIIkG"
        + "MOGB457d+1UR1fk/f29e2BXXF8vM10/yOzEK2ETX9alyNQEGBjIorzr31Z5SjHsf/9k="

    private static let image420 =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABcQERQRDhcUEhQaGBcbIjklIh8fIkYyNSk5UkhXVVFIUE5bZoNv"
        + "W2F8Yk5QcptzfIeLkpSSWG2grJ+OqoOPko3/2wBDARgaGiIeIkMlJUONXlBejY2NjY2NjY2NjY2NjY2NjY2N"
        + "jY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY3/wAARCAATABUDASIAAhEBAxEB/8QAHwAAAQUBAQEB"
        + "AQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKB"
        + "kaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1"
        + "dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl"
        + "5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcF"
        + "BAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5"
        + "OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0"
        + "tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCDT7boAv4i"
        + "rski25zG2WGdwXGQMcZ646jnHpU9tEscYL8AkAcevH9aoyTvcux3ExrgopGMe9KS9pJQ6dSqVLnk5PZDYYQk"
        + "Y3OqE+pop6ySNnDumPRQf6UVc8Vyycbbef8AwCpYuDen9fiixq5IgiQYw4YHjnt37VRHV+T9/b17YFFFTF25"
        + "muz/ACLxCtg1b+tS5GoCDAxkUUUV5+55aSP/2Q=="
}
