import Bytes
import Charset
import Index
import Mailbox
import Posix
import Wire

extension Session {
    func search(_ tag: Tag, _ parser: inout CommandParser, uid: Bool) throws(CommandFailure) {
        guard let view = selected else { return }
        let started = Clock.monotonic
        let key = try parsing { () throws(ParseFailure) -> SearchKey in
            try parser.space()
            return try SearchParser.parse(&parser)
        }
        let whitespace: SearchForm.Whitespace =
            switch context.configuration[.search_whitespace] {
            case "skip": .skip
            case "keep": .keep
            default: .merge
            }
        let evaluator = SearchEvaluator(view, skipsDiacritics: context.configuration[.search_skipdiacrit], whitespace: whitespace)
        let found = try storing { () throws(MailboxError) -> [Int] in
            if key.cost == 0 {
                try view.refresh()
                var found: [Int] = []
                for place in view.messages.indices where !view.messages[place].isExpunged {
                    if try evaluator.matches(key, place, { () throws(MailboxError) in nil }) { found.append(place) }
                }
                return found
            }
            return try view.withRecords { records throws(MailboxError) -> [Int] in
                var found: [Int] = []
                for place in view.messages.indices where !view.messages[place].isExpunged {
                    var cached: IndexRecord?
                    let isMatch = try evaluator.matches(key, place) { () throws(MailboxError) -> IndexRecord? in
                        if cached == nil { cached = try view.record(place, records) }
                        return cached
                    }
                    if isMatch { found.append(place) }
                }
                return found
            }
        }
        // Messages that came with the refresh are told before numbers that the client cannot know.
        connection.out.append("* SEARCH")
        for place in found {
            connection.out.append(0x20)
            connection.out.append(decimal: uid ? view.messages[place].uid : UInt32(place + 1))
            try wiring { () throws(ConnectionError) in try connection.flushIfFull() }
        }
        connection.out.append("\r\n")
        try tellChanges(mayExpunge: uid, uid: uid, refreshing: false)
        ok(tag, "Completed (\(found.count) msgs in \(duration(started)) secs)")
    }
}
