/// Options that are lengths of time, in seconds once read.
public enum DurationOption: Int, CaseIterable, Sendable {
    case archive_after, backup_retention, caldav_historical_age, client_timeout, conversations_expire_after, dav_lock_timeout
    case failedloginpause, http_jwt_max_age, httpkeepalive, httptimeout, imapidlepoll, jmap_max_delayed_send, jmap_pushpoll
    case jmap_querycache_max_age, ldap_time_limit, ldap_timeout, lmtptxn_timeout, nntptimeout, openio_proxy_timeout
    case openio_rawx_timeout, popexpiretime, poptimeout, prometheus_update_freq, ptscache_timeout, sieve_duplicate_max_expiration
    case sieve_vacation_max_response, sieve_vacation_min_response, sync_reconnect_maxwait, sync_repeat_interval, sync_timeout
    case tcp_keepalive_idle, tcp_keepalive_intvl, timeout, tls_session_timeout, websocket_timeout
}
