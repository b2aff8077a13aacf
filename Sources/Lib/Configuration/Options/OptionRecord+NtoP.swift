extension OptionRecord {
    /// Options of Cyrus 3.6.1, from netscapeurl to ptskrb5_strip_default_realm, in the order that cyr_info lists them.
    static var nToP: [OptionRecord] {
        [
            .init("netscapeurl", .optionalString(.netscapeurl), since: "2.3.17", "URL for the NETSCAPE command"),
            .init("newsaddheaders", .set(.newsaddheaders, ["to"], ["to", "replyto"]), since: "2.5.0", "headers added to articles"),
            .init("newsgroups", .string(.newsgroups, "*"), since: "2.4.0", "wildmat of mailboxes served as groups"),
            .init("newsmaster", .string(.newsmaster, "news"), since: "2.3.17", "user for control messages"),
            .init("newspeer", .optionalString(.newspeer), since: "2.3.17", "peers fed: [user[:pw]@]host[:port][/wildmat]"),
            .init("newspostuser", .optionalString(.newspostuser), since: "2.5.0", "prefix user for posting addresses"),
            .init("newsprefix", .optionalString(.newsprefix), since: "2.3.17", "mailbox prefix of groups"),
            .init("newsrc_db_path", .optionalString(.newsrc_db_path), since: "2.5.0", "fetchnews db file"),
            .init("nntptimeout", .duration(.nntptimeout, .minutes, "3m"), since: "3.1.8", "NNTP idle limit (min 3m)"),
            .init("notesmailbox", .optionalString(.notesmailbox), since: "3.0.0", "Apple Notes mailbox"),
            .init("notifysocket", .string(.notifysocket, "{configdirectory}/socket/notify"), since: "2.3.17", "notifyd socket"),
            .init("notify_external", .optionalString(.notify_external), since: "2.4.0", "program run by notifyd external method"),
            .init(
                "partition_select_mode",
                .choice(
                    .partition_select_mode, "freespace-most",
                    [
                        "random", "freespace-most",
                        "freespace-percent-most", "freespace-percent-weighted", "freespace-percent-weighted-delta",
                    ]),
                since: "2.5.0", "how a partition is chosen without defaultpartition"),
            .init("partition_select_exclude", .optionalString(.partition_select_exclude), since: "2.5.0", "partitions never chosen"),
            .init(
                "partition_select_usage_reinit", .int(.partition_select_usage_reinit, 0),
                since: "2.5.0", "operations between free-space refreshes"),
            .init(
                "partition_select_soft_usage_limit", .int(.partition_select_soft_usage_limit, 0),
                since: "2.5.0", "percent above which a partition is skipped"),
            .init("plaintextloginpause", .optionalDuration(.plaintextloginpause, .seconds), since: "3.1.8", "delay after plaintext login"),
            .init("plaintextloginalert", .optionalString(.plaintextloginalert), since: "2.3.17", "ALERT text after plaintext login"),
            .init("popexpiretime", .duration(.popexpiretime, .days, "-1"), since: "3.1.8", "EXPIRE value in CAPA (-1 NEVER)"),
            .init("popminpoll", .optionalDuration(.popminpoll, .minutes), since: "3.1.8", "minimum time between POP logins"),
            .init("popsubfolders", .switch(.popsubfolders, false), since: "2.3.17", "POP user+folder access"),
            .init("poppollpadding", .int(.poppollpadding, 1), since: "2.3.17", "logins tolerated before popminpoll bites"),
            .init("poptimeout", .duration(.poptimeout, .minutes, "10m"), since: "3.1.8", "POP idle limit (min 10m)"),
            .init("popuseacl", .switch(.popuseacl, false), since: "2.3.17", "apply ACLs in pop3d"),
            .init("popuseimapflags", .switch(.popuseimapflags, false), since: "2.3.17", "POP honours IMAP flags"),
            .init("postmaster", .string(.postmaster, "postmaster"), since: "2.3.17", "From of sieve rejections"),
            .init("postspec", .optionalString(.postspec), since: "2.3.17", "unused"),
            .init("postuser", .string(.postuser, ""), since: "2.3.17", "user part for posting to shared folders"),
            .init("proc_path", .optionalString(.proc_path), since: "2.5.0", "directory of process files"),
            .init("prometheus_enabled", .switch(.prometheus_enabled, false), since: "3.1.2", "collect metrics"),
            .init(
                "prometheus_need_auth", .choice(.prometheus_need_auth, "admin", ["none", "user", "admin"]),
                since: "3.1.2", "who may read /metrics"),
            .init("prometheus_update_freq", .duration(.prometheus_update_freq, .seconds, "10s"), since: "3.1.8", "report interval"),
            .init("prometheus_stats_dir", .optionalString(.prometheus_stats_dir), since: "3.1.2", "metrics directory"),
            .init("proxy_authname", .string(.proxy_authname, "proxy"), since: "2.3.17", "name towards backends"),
            .init("proxy_compress", .switch(.proxy_compress, false), since: "2.3.17", "compress backend connections"),
            .init("proxy_password", .optionalString(.proxy_password), since: "2.3.17", "password (HOST_password overrides)"),
            .init("proxy_realm", .optionalString(.proxy_realm), since: "2.3.17", "realm"),
            .init("proxyd_allow_status_referral", .switch(.proxyd_allow_status_referral, false), since: "2.3.17", "referrals for STATUS"),
            .init(
                "proxyd_disable_mailbox_referrals", .switch(.proxyd_disable_mailbox_referrals, false),
                since: "2.3.17", "no mailbox referrals"),
            .init("proxyservers", .optionalString(.proxyservers), since: "2.3.17", "users allowed to proxy"),
            .init("pts_module", .choice(.pts_module, "afskrb", ["afskrb", "ldap"]), since: "2.3.17", "ptloader module"),
            .init("ptloader_sock", .optionalString(.ptloader_sock), since: "2.3.17", "ptloader socket"),
            .init(
                "ptscache_db", .choice(.ptscache_db, "twoskip", ["skiplist", "twoskip", "zeroskip"]),
                since: "3.1.6", "back end of ptscache.db"),
            .init("ptscache_db_path", .optionalString(.ptscache_db_path), since: "2.5.0", "file of ptscache.db"),
            .init("ptscache_timeout", .duration(.ptscache_timeout, .seconds, "3h"), since: "3.1.8", "cache life"),
            .init("ptskrb5_convert524", .switch(.ptskrb5_convert524, true), since: "2.3.16", "krb5 to krb4 names"),
            .init("ptskrb5_strip_default_realm", .switch(.ptskrb5_strip_default_realm, true), since: "2.3.17", "strip realm"),
        ]
    }
}
