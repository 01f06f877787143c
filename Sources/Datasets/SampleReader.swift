/// Reads the files of one image and checks that they belong together.
struct SampleReader: Sendable {
    let folder: VOCFolder
    let classNames: [String]
    let minimumComponentArea: Int
    let boxSource: BoxSource
    let cocoBoxes: COCOBoxes?

    /// The files that an image of a split is read from.
    ///
    /// A weak image's mask is not looked for.
    func files(
        of name: String, split: DatasetSplit, maskAccess: MaskAccess
    ) -> (mask: String?, annotation: String?, instances: String?) {
        let mayOpenMask = split != .weak || maskAccess == .all
        let annotation = folder.annotationName(name)
        let instances = folder.instancesName(name)
        let mask = mayOpenMask ? folder.maskName(name) : nil
        if cocoBoxes != nil { return (mask, nil, nil) }
        let useAnnotation =
            split == .weak || (boxSource == .annotations && folder.exists(annotation))
        if useAnnotation { return (mask, annotation, nil) }
        return (mask, nil, folder.exists(instances) ? instances : nil)
    }

    /// Decodes one image from the bytes of its files.
    ///
    /// Throws `DatasetError` for whatever is damaged or does not fit.
    func sample(
        name: String, image: FileBytes, mask: FileBytes?, annotation: FileBytes?,
        instances: FileBytes?
    ) throws -> (sample: Sample, warnings: [DatasetWarning]) {
        let pixels = try JPEG.decode(image.bytes, path: image.path)
        let labels = try mask.map { file in
            let indices = try PNG.decodeIndices(file.bytes, path: file.path)
            try requireEqual(indices.size, pixels.size, file.path)
            return try LabelMap(indices, classCount: classNames.count, path: file.path)
        }
        let found = try boxes(
            name: name, size: pixels.size, labels: labels, annotation: annotation,
            instances: instances)
        let sample = Sample(name: name, image: pixels, labels: labels, boxes: found.boxes)
        return (sample, found.warnings)
    }

    private func boxes(
        name: String, size: PixelSize, labels: LabelMap?, annotation: FileBytes?,
        instances: FileBytes?
    ) throws -> AnnotatedBoxes {
        if let annotation {
            return try VOCAnnotation(annotation.bytes, path: annotation.path)
                .boxes(in: size, classNames: classNames, path: annotation.path)
        }
        if let listed = try cocoBoxes?.boxes(of: name, in: size) { return listed }
        guard let labels, cocoBoxes == nil else {
            throw DatasetError(
                .missingFile, name, "the COCO file does not list this image",
                remedy: "Add it to `images`, without annotations where it has no boxes")
        }
        guard let instances else {
            return AnnotatedBoxes(
                boxes: MaskBoxes.fromComponents(of: labels, minimumArea: minimumComponentArea))
        }
        let objects = try PNG.decodeIndices(instances.bytes, path: instances.path)
        try requireEqual(objects.size, size, instances.path)
        return AnnotatedBoxes(boxes: MaskBoxes.fromObjects(objects, classes: labels))
    }

    private func requireEqual(_ size: PixelSize, _ image: PixelSize, _ path: String) throws {
        guard size == image else {
            throw DatasetError(
                .sizeMismatch, path, "the mask has \(size) pixels and its image \(image)",
                remedy: "Scale the mask with nearest sampling, or restore the right file")
        }
    }
}
