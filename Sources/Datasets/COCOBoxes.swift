import Foundation

/// Boxes from a COCO instances file: `bbox` is `[x, y, width, height]` from the upper left corner
/// in pixel edges; an image is found by the name of its file without folder and extension.
package struct COCOBoxes: Sendable {
    private struct Document: Decodable {
        struct Image: Decodable {
            var id: Int
            var fileName: String
        }

        struct Category: Decodable {
            var id: Int
            var name: String
        }

        struct Annotation: Decodable {
            var id: Int?
            var imageId: Int
            var categoryId: Int
            var bbox: [Double]
        }

        var images: [Image]
        var categories: [Category]
        var annotations: [Annotation]
    }

    private struct Unclipped {
        var box: BoundingBox
        var subject: String
    }

    private var boxesByName: [String: [Unclipped]] = [:]

    /// Throws `DatasetError` for JSON without this structure, identifiers that lead nowhere and
    /// classes that are not in `classNames`.
    package init(_ bytes: [UInt8], path: String, classNames: [String]) throws {
        let document: Document
        do {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            document = try decoder.decode(Document.self, from: Data(bytes))
        } catch {
            throw COCOBoxes.malformed(path, "not a COCO instances file (\(error))")
        }
        var nameOfImage: [Int: String] = [:]
        for image in document.images {
            let file = image.fileName.split(separator: "/").last.map(String.init) ?? ""
            let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
            nameOfImage[image.id] = stem
            boxesByName[stem] = []
        }
        let nameOfCategory = Dictionary(
            document.categories.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        for (position, annotation) in document.annotations.enumerated() {
            let subject = "\(path): annotation \(annotation.id.map(String.init) ?? "#\(position)")"
            guard let stem = nameOfImage[annotation.imageId] else {
                throw COCOBoxes.malformed(subject, "no image has id \(annotation.imageId)")
            }
            guard let name = nameOfCategory[annotation.categoryId] else {
                throw COCOBoxes.malformed(subject, "no category has id \(annotation.categoryId)")
            }
            guard let index = classNames.firstIndex(of: name), index > 0 else {
                throw DatasetError.unknownClass(name, subject: subject, known: classNames)
            }
            let edges = annotation.bbox
            guard edges.count == 4 else {
                throw COCOBoxes.malformed(subject, "bbox has \(edges.count) numbers, not 4")
            }
            let box = BoundingBox(
                classIndex: index, left: edges[0], top: edges[1], right: edges[0] + edges[2],
                bottom: edges[1] + edges[3])
            boxesByName[stem, default: []].append(Unclipped(box: box, subject: subject))
        }
    }

    /// The boxes of an image, clipped to it; nil where the file does not list the image.
    package func boxes(of name: String, in size: PixelSize) throws -> AnnotatedBoxes? {
        guard let boxes = boxesByName[name] else { return nil }
        var result = AnnotatedBoxes()
        for box in boxes { try result.append(box.box, in: size, subject: box.subject) }
        return result
    }

    private static func malformed(_ subject: String, _ problem: String) -> DatasetError {
        DatasetError(
            .malformedAnnotation, subject, problem,
            remedy: "Give a file with images, categories and annotations as COCO has them")
    }
}
