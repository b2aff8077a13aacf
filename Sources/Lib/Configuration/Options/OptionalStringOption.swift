/// Options that are text, or unset.
public enum OptionalStringOption: Int, CaseIterable, Sendable {
    case afspts_localrealms, afspts_mycell, annotation_callout, annotation_db_path, annotation_definitions, aps_topic
    case aps_topic_caldav, aps_topic_carddav, autocreate_inbox_folders, autocreate_sieve_folders, autocreate_sieve_script
    case autocreate_sieve_script_compiled, autocreate_subscribe_folders, autocreate_subscribe_sharedfolders, backup_db_path
    case backup_staging_path, caldav_realm, calendar_user_address_set, carddav_realm, caringo_hostname, client_bind_name
    case commandmintimer, configdirectory, conversations_counted_flags, cyrus_group, cyrus_user, dav_realm, debug_command
    case debug_writefail_guid, defaultpartition, defaultserver, duplicate_db_path, event_exclude_flags, event_notifier
    case force_sasl_client_mech, http_h2_altsvc, http_jwt_key_dir, httpallowcors, httpallowedurls, httpdocroot, httplogheaders
    case imipnotifier, ischedule_dkim_domain, ischedule_dkim_key_file, ischedule_dkim_selector, jmap_imagesize_annot
    case jmap_inlinedcids_annot, jmap_preview_annot, ldap_authz, ldap_bind_dn, ldap_ca_dir, ldap_ca_file, ldap_ciphers
    case ldap_client_cert, ldap_client_key, ldap_id, ldap_mech, ldap_member_attribute, ldap_password, ldap_realm, ldap_uri
    case ldap_user_attribute, lmtp_catchall_mailbox, lock_debugtime, mailbox_initial_flags, master_pid_file, mailnotifier, mboxlist_db_path
    case mboxname_lockpath, mupdate_authname, mupdate_password, mupdate_realm, mupdate_server, netscapeurl, newspeer
    case newspostuser, newsprefix, newsrc_db_path, notesmailbox, notify_external, object_storage_dummy_spool, openio_account
    case openio_namespace, openio_verbosity, partition_select_exclude, plaintextloginalert, postspec, proc_path
    case prometheus_stats_dir, proxy_password, proxy_realm, proxyservers, ptloader_sock, ptscache_db_path, quota_db_path
    case restore_authname, restore_password, restore_realm, rss_feedlist_template, rss_realm, search_attachment_extractor_url
    case search_index_skip_domains, search_index_skip_users, search_maxtime, search_stopword_path, serverlist, servername
    case sievenotifier, smtp_auth_authname, smtp_auth_password, smtp_auth_realm, specialuse_extra, specialuse_nochildren
    case sql_database, sql_passwd, sql_user, srs_domain, srs_secrets, srs_separator, statuscache_db_path, submitservers
    case suppress_capabilities, sync_authname, sync_cache_db_path, sync_host, sync_log_channels, sync_password, sync_port
    case sync_realm, sync_rightnow_channel, sync_shutdown_file, syslog_facility, syslog_prefix, tls_client_ca_dir
    case tls_client_ca_file, tls_client_cert, tls_client_key, tls_crl_file, tls_server_ca_dir, tls_server_ca_file
    case tls_server_cert, tls_server_dhparam, tls_server_key, tls_sessions_db_path, userdeny_db_path
    case virusscan_notification_template, zoneinfo_db_path, zoneinfo_dir
}
