extension OptionRecord {
    /// Options of Cyrus 3.6.1, from httpallowcompress to iolog, in the order that cyr_info lists them.
    static var hToK: [OptionRecord] {
        [
            .init("httpallowcompress", .switch(.httpallowcompress, true), since: "2.5.0", "compress HTTP responses"),
            .init("httpallowcors", .optionalString(.httpallowcors), since: "2.5.0", "origins allowed for CORS (wildmat)"),
            .init("httpallowtrace", .switch(.httpallowtrace, false), since: "2.5.0", "allow TRACE"),
            .init("httpallowedurls", .optionalString(.httpallowedurls), since: "2.5.0", "only these static paths are served"),
            .init("httpcontentmd5", .switch(.httpcontentmd5, false), since: "2.5.0", "send Content-MD5"),
            .init("httpdocroot", .optionalString(.httpdocroot), since: "2.5.0", "static document root"),
            .init("httpkeepalive", .duration(.httpkeepalive, .seconds, "20s"), since: "3.1.8", "HTTP heartbeat"),
            .init("httplogheaders", .optionalString(.httplogheaders), since: "3.3.1", "request headers to log"),
            .init(
                "httpmodules",
                .set(
                    .httpmodules, [],
                    [
                        "admin", "caldav", "carddav", "cgi", "domainkey", "freebusy", "ischedule", "jmap",
                        "prometheus", "rss", "tzdist", "webdav",
                    ]),
                since: "3.1.7", "enabled httpd modules"),
            .init("httpprettytelemetry", .switch(.httpprettytelemetry, false), since: "2.5.0", "indent generated XML/HTML"),
            .init("httptimeout", .duration(.httptimeout, .minutes, "5m"), since: "3.1.8", "HTTP idle limit"),
            .init("http_h2_altsvc", .optionalString(.http_h2_altsvc), since: "3.6.0", "advertise HTTP/2 alternative service"),
            .init("http_jwt_key_dir", .optionalString(.http_jwt_key_dir), since: "3.6.0", "keys for JWT authentication"),
            .init("http_jwt_max_age", .duration(.http_jwt_max_age, .seconds, "0s"), since: "3.6.0", "JWT life time"),
            .init("icalendar_max_size", .int(.icalendar_max_size, 0), since: "3.6.0", "size limit of iCalendar data (bytes)"),
            .init("idlesocket", .string(.idlesocket, "{configdirectory}/socket/idle"), since: "2.3.17", "idled socket"),
            .init("ignorereference", .switch(.ignorereference, false), since: "2.3.17", "ignore LIST reference argument"),
            .init("imapidlepoll", .duration(.imapidlepoll, .seconds, "60s"), since: "3.1.8", "poll interval in IDLE without idled"),
            .init("imapidresponse", .switch(.imapidresponse, true), since: "2.3.17", "answer ID with server details"),
            .init("imapmagicplus", .switch(.imapmagicplus, false), since: "2.3.17", "user+namespace login restricts LIST"),
            .init("imipnotifier", .optionalString(.imipnotifier), since: "3.0.0", "notifyd method of iMIP events"),
            .init("implicit_owner_rights", .string(.implicit_owner_rights, "lkxan"), since: "3.1.2", "rights an owner always has"),
            .init(
                "improved_mboxlist_sort", .switch(.improved_mboxlist_sort, false),
                since: "2.3.17", "no longer used for mailbox order in 3.6"),
            .init("jmap_emailsearch_db_path", .optionalString(nil), since: "3.1.6", isIgnored: true, "ignored"),
            .init(
                "jmap_querycache_max_age", .duration(.jmap_querycache_max_age, .minutes, "0m"),
                since: "3.6.0", "keep JMAP query results in memory"),
            .init("jmap_preview_annot", .optionalString(.jmap_preview_annot), since: "3.1.1", "annotation holding previews"),
            .init("jmap_imagesize_annot", .optionalString(.jmap_imagesize_annot), since: "3.1.1", "annotation with image sizes"),
            .init("jmap_inlinedcids_annot", .optionalString(.jmap_inlinedcids_annot), since: "3.1.1", "annotation with inlined CIDs"),
            .init("jmap_preview_length", .int(.jmap_preview_length, 64), since: "3.1.1", "generated preview length in bytes"),
            .init("jmap_max_catenate_items", .int(.jmap_max_catenate_items, 100), since: "3.6.0", "Blob/set limit"),
            .init("jmap_max_size_upload", .int(.jmap_max_size_upload, 1048576), since: "3.1.6", "KiB upload limit"),
            .init("jmap_max_size_blob_set", .int(.jmap_max_size_blob_set, 4096), since: "3.3.0", "KiB Blob/set limit"),
            .init("jmap_max_concurrent_upload", .int(.jmap_max_concurrent_upload, 5), since: "3.1.6", "advertised limit"),
            .init("jmap_max_size_request", .int(.jmap_max_size_request, 10240), since: "3.1.6", "KiB request limit"),
            .init("jmap_max_concurrent_requests", .int(.jmap_max_concurrent_requests, 5), since: "3.1.6", "advertised limit"),
            .init("jmap_max_calls_in_request", .int(.jmap_max_calls_in_request, 50), since: "3.1.6", "calls per request"),
            .init(
                "jmap_max_delayed_send", .duration(.jmap_max_delayed_send, .seconds, "512d"), since: "3.1.8", "longest delayed submission"),
            .init("jmap_max_objects_in_get", .int(.jmap_max_objects_in_get, 4096), since: "3.1.6", "ids per get"),
            .init("jmap_max_objects_in_set", .int(.jmap_max_objects_in_set, 4096), since: "3.1.6", "objects per set"),
            .init(
                "jmap_mail_max_size_attachments_per_email", .int(.jmap_mail_max_size_attachments_per_email, 10240),
                since: "3.1.6", "KiB per email"),
            .init(
                "jmap_nonstandard_extensions", .switch(.jmap_nonstandard_extensions, false),
                since: "3.1.9", "enable Cyrus-private JMAP parts"),
            .init("jmap_pushpoll", .duration(.jmap_pushpoll, .seconds, "60s"), since: "3.6.0", "push poll interval"),
            .init("jmap_set_has_attachment", .switch(.jmap_set_has_attachment, true), since: "3.1.5", "maintain $hasAttachment"),
            .init("jmap_vacation", .switch(.jmap_vacation, true), since: "3.1.8", "JMAP vacation"),
            .init("jmapuploadfolder", .string(.jmapuploadfolder, "#jmap"), since: "3.1.1", "upload mailbox"),
            .init(
                "jmapsubmission_deleteonsend", .switch(.jmapsubmission_deleteonsend, true),
                since: "3.1.8", "remove submission objects after sending"),
            .init("jmapsubmissionfolder", .string(.jmapsubmissionfolder, "#jmapsubmission"), since: "3.1.8", "submission mailbox"),
            .init(
                "jmappushsubscriptionfolder", .string(.jmappushsubscriptionfolder, "#jmappushsubscription"),
                since: "3.1.8", "push subscription mailbox"),
            .init("iolog", .switch(.iolog, false), since: "2.5.0", "log I/O per command"),
        ]
    }
}
