extension Charset {
    /// Labels that are seen in mail and that Cyrus knows beside ICU's names, with ICU's name for what they mean.
    static let aliases: [(label: StaticString, name: StaticString)] = [
        // Ways to say Latin-1, and labels that say nothing. Mail that says so means Windows's superset of it, and Cyrus decodes it so.
        ("iso_8859_1", "windows-1252"), ("iso_8859", "windows-1252"), ("iso-8859", "windows-1252"), ("8859_1", "windows-1252"),
        ("so-8859-1", "windows-1252"), ("x-mac-roman", "windows-1252"), ("macintosh", "windows-1252"), ("mac", "windows-1252"),
        ("en_gb", "windows-1252"), ("auto", "windows-1252"), ("unknown", "windows-1252"), ("unknown-8bit", "windows-1252"),
        ("x-unknown", "windows-1252"), ("x-user-defined", "windows-1252"), ("none", "windows-1252"), ("646", "windows-1252"),
        ("iso-8859-1", "windows-1252"), ("iso8859-1", "windows-1252"), ("latin1", "windows-1252"), ("iso646-us", "windows-1252"),
        ("1252", "windows-1252"), ("win-1252", "windows-1252"),
        ("8859_2", "iso-8859-2"), ("x-mac-turkish", "iso-8859-9"), ("greek-ccitt", "iso-8859-7"), ("iso-8859-8-i", "iso-8859-8"),
        ("iso8859_15_fdis", "iso-8859-15"), ("asmo-708", "iso-8859-6"), ("win-koi8", "koi8-r"),
        // What is called so in mail has their supersets' characters.
        ("gb2312", "gbk"), ("tis-620", "iso-8859-11"),
        ("1250", "windows-1250"), ("win-1250", "windows-1250"), ("1251", "windows-1251"), ("win-1251", "windows-1251"),
        ("1255", "windows-1255"), ("win-1255", "windows-1255"), ("1256", "windows-1256"), ("win-1256", "windows-1256"),
    ]
}
