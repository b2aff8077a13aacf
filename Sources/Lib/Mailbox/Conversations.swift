import Bytes
import Message

/// What the conversation rules need of a message.
struct ConversationSource {
    let messageID: [UInt8]?
    let inReplyTo: [UInt8]?
    let references: [UInt8]?
    let subject: [UInt8]?

    init(_ parsed: ParsedMessage) {
        messageID = parsed.messageID
        inReplyTo = parsed.inReplyTo
        references = parsed.references
        subject = parsed.subject
    }

    init(cacheRecord: [UInt8]) {
        messageID = nil
        inReplyTo = nil
        references = nil
        subject = nil
    }
}

extension PendingChange {
    func updateConversations() throws(MailboxError) {}
}
