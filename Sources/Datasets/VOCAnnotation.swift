import Foundation
import XMLCoder

/// Boxes and warnings read from one annotation.
package struct AnnotatedBoxes: Sendable {
    package var boxes: [BoundingBox] = []
    package var warnings: [DatasetWarning] = []

    mutating func append(
        _ box: BoundingBox, in size: PixelSize, subject: String
    ) throws {
        let (clipped, cut) = try box.clipped(to: size, subject: subject)
        if cut {
            warnings.append(
                DatasetWarning(
                    subject: subject,
                    problem: "the box \(box.corners) reaches over the \(size) image and is clipped"
                ))
        }
        boxes.append(clipped)
    }
}

/// A Pascal VOC annotation: `annotation/object/{name, bndbox/{xmin, ymin, xmax, ymax}}`.
///
/// Coordinates are 1-based and inclusive, may be fractions and come in any order; parts of an
/// object have boxes of their own, which are not objects.
package struct VOCAnnotation: Decodable {
    struct Size: Decodable {
        var width: String
        var height: String
    }

    struct Object: Decodable {
        struct Corners: Decodable {
            var xmin: String
            var ymin: String
            var xmax: String
            var ymax: String
        }

        var name: String
        var bndbox: Corners
    }

    var size: Size?
    var object: [Object]

    private enum CodingKeys: String, CodingKey { case size, object }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        size = try container.decodeIfPresent(Size.self, forKey: .size)
        object = try container.decodeIfPresent([Object].self, forKey: .object) ?? []
    }

    private static let largestByteCount = 16 << 20

    /// Throws `DatasetError` (`malformedAnnotation`) with file and, where the parser tells, line.
    package init(_ bytes: [UInt8], path: String) throws {
        guard bytes.count <= VOCAnnotation.largestByteCount else {
            throw VOCAnnotation.malformed(path, "\(bytes.count) bytes are more than 16 MiB")
        }
        let syntax = XMLSyntax(bytes)
        if let fault = syntax.fault {
            throw VOCAnnotation.malformed(
                "\(path):\(fault.line)", "not well-formed XML: \(fault.problem)")
        }
        guard syntax.rootName == "annotation" else {
            throw VOCAnnotation.malformed(
                path, "the outermost element is `\(syntax.rootName)`, not `annotation`")
        }
        do {
            self = try XMLDecoder().decode(VOCAnnotation.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw VOCAnnotation.malformed(path, VOCAnnotation.explain(error))
        } catch {
            throw VOCAnnotation.malformed(path, "not an annotation (\(error))")
        }
    }

    private static func malformed(_ subject: String, _ problem: String) -> DatasetError {
        DatasetError(
            .malformedAnnotation, subject, problem,
            remedy: "Correct the annotation: annotation/object with name and bndbox "
                + "(xmin, ymin, xmax, ymax)")
    }

    private static func explain(_ error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            (["annotation"] + path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue })
                .joined(separator: "/")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "element `\(key.stringValue)` is missing in \(place(context.codingPath))"
        case .valueNotFound(_, let context), .typeMismatch(_, let context):
            return "\(place(context.codingPath)) does not hold what it should"
        case .dataCorrupted(let context):
            return "\(place(context.codingPath)): \(context.debugDescription)"
        @unknown default:
            return "the XML does not have the structure of an annotation"
        }
    }

    /// The boxes as half-open pixel edges, clipped to the image.
    package func boxes(
        in imageSize: PixelSize, classNames: [String], path: String
    ) throws -> AnnotatedBoxes {
        var result = AnnotatedBoxes()
        if let size, let width = Double(size.width.trimmed),
            let height = Double(size.height.trimmed),
            width != Double(imageSize.width) || height != Double(imageSize.height)
        {
            result.warnings.append(
                DatasetWarning(
                    subject: path,
                    problem: "the annotation says \(size.width)×\(size.height), "
                        + "the image has \(imageSize) pixels"))
        }
        for (number, object) in object.enumerated() {
            let subject = "\(path): object \(number + 1)"
            let name = object.name.trimmed
            guard let index = classNames.firstIndex(of: name), index > 0 else {
                throw DatasetError.unknownClass(name, subject: subject, known: classNames)
            }
            func edge(_ element: String, _ text: String) throws -> Double {
                guard let value = Double(text.trimmed) else {
                    throw DatasetError(
                        .boxCoordinate, subject, "\(element) is `\(text.trimmed)`, not a number",
                        remedy: "Correct the coordinate: a number of pixels within the image")
                }
                return value
            }
            let corners = object.bndbox
            let box = BoundingBox(
                classIndex: index, left: try edge("xmin", corners.xmin) - 1,
                top: try edge("ymin", corners.ymin) - 1, right: try edge("xmax", corners.xmax),
                bottom: try edge("ymax", corners.ymax))
            try result.append(box, in: imageSize, subject: subject)
        }
        return result
    }
}

extension DatasetError {
    static func unknownClass(
        _ name: String, subject: String, known: [String]
    ) -> DatasetError {
        DatasetError(
            .unknownClass, subject, "unknown class `\(name)`",
            remedy: "Use one of: \(known.dropFirst().joined(separator: ", ")); "
                + "or add the class to labels.txt")
    }
}
