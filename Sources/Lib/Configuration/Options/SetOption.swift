/// Options that are several words of a list.
public enum SetOption: Int, CaseIterable, Sendable {
    case calendar_component_set, event_extra_params, event_groups, httpmodules, metapartition_files, newsaddheaders
    case sieve_extensions
}
