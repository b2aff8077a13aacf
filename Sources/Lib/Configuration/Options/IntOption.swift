/// Options that are whole numbers; the unit is in the record's help.
public enum IntOption: Int, CaseIterable, Sendable {
    case archive_maxsize, autocreate_quota, autocreate_quota_messages, backup_compact_maxsize, backup_compact_minsize
    case backup_compact_work_threshold, boundary_limit, caringo_port, conversations_max_guidexists
    case conversations_max_guidinfolder, conversations_max_guidrecords, conversations_max_thread, event_content_size
    case icalendar_max_size, jmap_mail_max_size_attachments_per_email, jmap_max_calls_in_request, jmap_max_catenate_items
    case jmap_max_concurrent_requests, jmap_max_concurrent_upload, jmap_max_objects_in_get, jmap_max_objects_in_set
    case jmap_max_size_blob_set, jmap_max_size_request, jmap_max_size_upload, jmap_preview_length, ldap_size_limit, ldap_version
    case mailbox_default_options, mailbox_maxmessages_addressbook, mailbox_maxmessages_calendar, mailbox_maxmessages_email
    case maxargssize, maxheaderlines, maxliteral, maxlogins_per_host, maxlogins_per_user, maxmessagesize, maxquoted, maxword
    case mupdate_connections_max, mupdate_port, mupdate_retry_delay, mupdate_workers_max, mupdate_workers_maxspare
    case mupdate_workers_minspare, mupdate_workers_start, partition_select_soft_usage_limit, partition_select_usage_reinit
    case poppollpadding, quotawarn, quotawarnkb, quotawarnmsg, rss_maxitems, rss_maxsynopsis, sasl_maximum_layer
    case sasl_minimum_layer, search_batchsize, search_maxsize, search_normalisation_max, search_queryscan, search_snippet_length
    case serverlist_select_soft_usage_limit, serverlist_select_usage_reinit, sieve_maxscripts, sieve_maxscriptsize
    case srs_hashlength, sync_batchsize, tcp_keepalive_cnt, vcard_max_size
}
