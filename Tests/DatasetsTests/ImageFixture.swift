import Foundation

/// Small files of every colour type, made with another encoder.
///
/// Index images are 5×3; pixel (x, y) holds 5·y + x modulo the number of values, 1000 times that
/// with 16 bits.
enum ImageFixture: String, CaseIterable {
    case palette1
    case grey1
    case palette2
    case grey2
    case palette4
    case grey4
    case palette8
    case grey8
    case grey16
    case rgb
    case greyAlpha
    case transparent
    case huge
    case cmyk
    case greyJPEG

    var bytes: [UInt8] {
        guard let data = Data(base64Encoded: base64) else { fatalError("fixture \(self)") }
        return [UInt8](data)
    }

    private var base64: String {
        switch self {
        case .palette1:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAQMAAABh+Fe7AAAABlBMVEX/AAf+AQfkUdCCAAAADklEQVR4"
                + "2mMIYFjBEAAAA94BSWqoxpcAAAAASUVORK5CYII="
        case .grey1:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAQAAAABzTfhVAAAADklEQVR42mMIYFjBEAAAA94BSWqoxpcA"
                + "AAAASUVORK5CYII="
        case .palette2:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAgMAAAAmWC1rAAAADFBMVEX/AAf+AQf9Agf8AwfxmVZYAAAA"
                + "EUlEQVR42mOQZmDIcWDY2AAABd8B+dzmLmcAAAAASUVORK5CYII="
        case .grey2:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADAgAAAAA07YKFAAAAEUlEQVR42mOQZmDIcWDY2AAABd8B+dzm"
                + "LmcAAAAASUVORK5CYII="
        case .palette4:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADBAMAAACpGNjLAAAAMFBMVEX/AAf+AQf9Agf8Awf7BAf6BQf5"
                + "Bgf4Bwf3CAf2CQf1Cgf0CwfzDAfyDQfxDgfwDwfln2YKAAAAFElEQVR42mNgVHZgCKuYwLD67AMAECoE"
                + "GyVIIHIAAAAASUVORK5CYII="
        case .grey4:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADBAAAAAC7rXclAAAAFElEQVR42mNgVHZgCKuYwLD67AMAECoE"
                + "GyVIIHIAAAAASUVORK5CYII="
        case .palette8:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAMAAABs6DXKAAAAMFBMVEX/AAf+AQf9Agf8Awf7BAf6BQf5"
                + "Bgf4Bwf3CAf2CQf1Cgf0CwfzDAfyDQfxDgfwDwfln2YKAAAAGklEQVR42mNgYGRiZmFgZWPn4GTg4ubh"
                + "5QMAAnkAajBGLKwAAAAASUVORK5CYII="
        case .grey8:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAAAAAB+XZokAAAAGklEQVR42mNgYGRiZmFgZWPn4GTg4ubh"
                + "5QMAAnkAajBGLKwAAAAASUVORK5CYII="
        case .grey16:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADEAAAAAAuzUZnAAAAKklEQVR42mNgYGB+wX6Bewf/AgbhDvEC"
                + "6Qh5B2UNBnUBrR96D4xOmG0AAI46CbsF36IUAAAAAElFTkSuQmCC"
        case .rgb:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAIAAADUVFKvAAAADElEQVR42mNgIA0AAAAwAAEodEl9AAAA"
                + "AElFTkSuQmCC"
        case .greyAlpha:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAQAAADxPw1zAAAAC0lEQVR42mNgIAAAACEAAVTLqnMAAAAA"
                + "SUVORK5CYII="
        case .transparent:
            "iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAMAAABs6DXKAAAACVBMVEUAAAAAAAAAAACDY+nAAAAAAXRS"
                + "TlMAQObYZgAAAAtJREFUeNpjYEAHAAASAAHkVY3nAAAAAElFTkSuQmCC"
        case .huge:
            "iVBORw0KGgoAAAANSUhEUgAA6mAAAOpgCAAAAACluSqeAAAAC0lEQVR42mNgAAEAAAYAAW0oEC8AAAAA"
                + "SUVORK5CYII="
        case .cmyk:
            "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhc"
                + "TkBEV0U3OFBtUVdfYmdoZz5NcXlwZHhcZWdj/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEB"
                + "AQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQci"
                + "cRQygZGhCCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm"
                + "Z2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqys7S1tre4ubrCw8TFxsfIycrS09TV"
                + "1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwDu67auxrrK/9k="
        case .greyJPEG:
            "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdA"
                + "SFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIAAgBAREA/8QAHwAAAQUBAQEBAQEAAAAA"
                + "AAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEI"
                + "I0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1"
                + "dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi"
                + "4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/AKNf/9k="
        }
    }
}
