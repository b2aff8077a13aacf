/// What this server says it is, in one place: banners, ID, `cyr_info version`, `-V`.
public enum Version {
    /// The Cyrus whose files, options and protocol texts these are.
    public static let cyrus = "3.6.1"
    /// This project's own version.
    public static let own = "0.1.0"
    /// The whole, as Cyrus writes its version and a distribution's: `3.6.1-cyrus-swift-0.1.0`.
    public static let text = "\(cyrus)-cyrus-swift-\(own)"
    /// With the name of the product before it.
    public static let full = "cyrus-imapd \(text)"
}
