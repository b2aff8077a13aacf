import Bytes

extension ParsedMessage {
    /// Keeps a field of a message's header. Of several the last one counts, except for Received, whose topmost does.
    mutating func readEnvelopeField(_ name: HeaderName, _ value: borrowing RawSpan, into index: Int) {
        let trimmed = FieldValue.trimmed(value)
        switch name {
        case .date: envelopes[index].date = FieldValue.unfold(trimmed, into: &text)
        case .subject: envelopes[index].subject = FieldValue.unfold(trimmed, into: &text)
        case .inReplyTo: envelopes[index].inReplyTo = FieldValue.unfold(trimmed, into: &text)
        case .messageID: envelopes[index].messageID = FieldValue.unfold(trimmed, into: &text)
        case .references: envelopes[index].references = FieldValue.unfold(trimmed, into: &text)
        case .from: envelopes[index].from = text.add(trimmed)
        case .sender: envelopes[index].sender = text.add(trimmed)
        case .replyTo: envelopes[index].replyTo = text.add(trimmed)
        case .to: envelopes[index].to = text.add(trimmed)
        case .cc: envelopes[index].cc = text.add(trimmed)
        case .bcc: envelopes[index].bcc = text.add(trimmed)
        case .deliveredInternalDate: envelopes[index].receivedDate = FieldValue.unfold(trimmed, into: &text)
        case .received: readReceived(trimmed, into: index)
        default: break
        }
    }

    /// The date of a Received field stands behind its last semicolon; without one the whole value is kept, which is no date.
    private mutating func readReceived(_ value: borrowing RawSpan, into index: Int) {
        guard envelopes[index].receivedDate.isNone else { return }
        var start = value.byteCount
        while start > 0, value[start - 1] != UInt8(ascii: ";") { start -= 1 }
        envelopes[index].receivedDate = FieldValue.unfold(value.dropping(start), into: &text)
    }

    /// The address lists of a header that are written twice: in the envelope and in items 5 to 8.
    struct MainAddresses {
        let from: AddressList
        let to: AddressList
        let cc: AddressList
        let bcc: AddressList
    }

    func mainAddresses(_ index: Int) -> MainAddresses {
        let fields = index >= 0 ? envelopes[index] : EnvelopeFields()
        return MainAddresses(
            from: AddressList(text.span(fields.from)), to: AddressList(text.span(fields.to)), cc: AddressList(text.span(fields.cc)),
            bcc: AddressList(text.span(fields.bcc)))
    }

    /// Appends the ENVELOPE of a message's header, with its parentheses (item 0).
    func appendEnvelope(_ index: Int, _ addresses: MainAddresses, to out: inout [UInt8]) {
        let fields = index >= 0 ? envelopes[index] : EnvelopeFields()
        out.append(UInt8(ascii: "("))
        out.append(nstring: text, fields.date)
        out.append(0x20)
        out.append(nstring: text, fields.subject)
        out.append(0x20)
        let start = out.count
        append(addresses.from, to: &out)
        let from = start..<out.count
        out.append(0x20)
        appendAddresses(fields.sender, elseCopying: from, to: &out)
        out.append(0x20)
        appendAddresses(fields.replyTo, elseCopying: from, to: &out)
        out.append(0x20)
        append(addresses.to, to: &out)
        out.append(0x20)
        append(addresses.cc, to: &out)
        out.append(0x20)
        append(addresses.bcc, to: &out)
        out.append(0x20)
        out.append(nstring: text, fields.inReplyTo)
        out.append(0x20)
        out.append(nstring: text, fields.messageID)
        out.append(UInt8(ascii: ")"))
    }

    /// From stands for Sender and Reply-To when they are missing or hold no address.
    private func appendAddresses(_ list: TextRef, elseCopying from: Range<Int>, to out: inout [UInt8]) {
        let parsed = AddressList(text.span(list))
        if parsed.addresses.isEmpty {
            out.reserveCapacity(out.count + from.count)
            for i in from { out.append(out[i]) }
        } else {
            append(parsed, to: &out)
        }
    }

    private func append(_ list: AddressList, to out: inout [UInt8]) {
        if list.addresses.isEmpty {
            out.append("NIL")
            return
        }
        out.append(UInt8(ascii: "("))
        for address in list.addresses {
            out.append(UInt8(ascii: "("))
            out.append(nstring: address.name)
            out.append(0x20)
            out.append(nstring: address.route)
            out.append(0x20)
            out.append(nstring: address.mailbox)
            out.append(0x20)
            out.append(nstring: address.domain)
            out.append(UInt8(ascii: ")"))
        }
        out.append(UInt8(ascii: ")"))
    }
}
