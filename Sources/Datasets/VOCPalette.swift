/// The colours of Pascal VOC: the bits of the index dealt to red, green and blue from the top.
public enum VOCPalette {
    /// The colour of an index in 0…255.
    public static func colour(of index: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
        var channels: [UInt8] = [0, 0, 0]
        for bit in 0..<8 where index >> bit & 1 == 1 {
            channels[bit % 3] |= 0x80 >> UInt8(bit / 3)
        }
        return (channels[0], channels[1], channels[2])
    }

    /// 256 colours of three bytes each.
    public static let bytes: [UInt8] = (0..<256).flatMap { index in
        let colour = colour(of: index)
        return [colour.red, colour.green, colour.blue]
    }
}
