-- name: event_acceptance
-- What events a workspace takes: any, or only those that are defined for the app.
select
    w.accepts_undefined_events,
    array(
        select d.name
        from event_definition as d
        where d.app_id = %(app_id)s
        order by d.name
    ) as names
from workspace as w
where w.workspace_id = %(workspace_id)s;

-- name: insert_event_definition
-- Define an event of an app.
insert into event_definition (workspace_id, app_id, name, description, attributes, created_at)
values (%(workspace_id)s, %(app_id)s, %(name)s, %(description)s, %(attributes)s::jsonb, %(now)s)
returning event_definition_id;

-- name: list_event_definitions
-- The events that are defined for these apps, by name.
select d.event_definition_id, a.application_code, d.name, d.description, d.attributes::text as attributes, d.created_at
from event_definition as d
join app as a on a.app_id = d.app_id
where d.workspace_id = %(workspace_id)s and d.app_id = any(%(app_ids)s::integer[])
order by d.name, d.event_definition_id;

-- name: set_event_acceptance
-- Say whether a workspace takes events that are not defined.
update workspace
set accepts_undefined_events = %(accepts_undefined)s
where workspace_id = %(workspace_id)s;
