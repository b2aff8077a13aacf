/// Lengths of time that nothing stands for when unset.
public enum OptionalDurationOption: Int, CaseIterable, Sendable {
    case imapidletimeout, plaintextloginpause, popminpoll, rss_maxage
}
