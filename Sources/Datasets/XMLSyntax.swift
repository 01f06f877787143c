import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// A pass over an XML document that knows only whether it is well-formed.
///
/// XMLCoder relies on the result of `XMLParser.parse`, which on Linux is true for documents that end too early or close
/// the wrong element.
struct XMLSyntax {
    /// The first fault: its line from 1 and what it is; nil for a well-formed document.
    private(set) var fault: (line: Int, problem: String)?
    /// Name of the outermost element.
    private(set) var rootName = ""

    init(_ bytes: [UInt8]) {
        let observer = Observer()
        let parser = XMLParser(data: Data(bytes))
        parser.shouldResolveExternalEntities = false
        parser.delegate = observer
        let isWhole = parser.parse()
        rootName = observer.rootName
        if let found = observer.fault {
            fault = (found.line, XMLSyntax.explain(found.code))
        } else if !isWhole || observer.rootName.isEmpty {
            fault = (1, "there is no element")
        }
    }

    private static func explain(_ code: Int) -> String {
        switch XMLParser.ErrorCode(rawValue: code) {
        case .tagNameMismatchError: "an element is closed by another's tag"
        case .documentStartError, .emptyDocumentError: "there is no element at the start"
        case .prematureDocumentEndError: "the document ends too early, or goes on after its end"
        case .gtRequiredError, .ltRequiredError: "a tag is not finished"
        case .undeclaredEntityError, .entityRefLoopError: "an entity is not declared or endless"
        default: "libxml2 error \(code)"
        }
    }

    private final class Observer: NSObject, XMLParserDelegate {
        var rootName = ""
        var fault: (line: Int, code: Int)?

        func parser(
            _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            if rootName.isEmpty { rootName = elementName }
        }

        func parser(_ parser: XMLParser, parseErrorOccurred error: any Error) {
            if fault == nil { fault = (parser.lineNumber, (error as NSError).code) }
        }
    }
}
