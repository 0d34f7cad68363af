-- The first instant strictly after `at` at which the clock of `zone` shows `clock`, on one of the ISO weekdays given
-- (null: any). Where a change of the clock skips the time, the instant is as much later as was skipped; where the
-- clock shows it twice, the second counts, so nobody waits for the same clock time twice on one day.
create function next_clock_time_v1(at timestamptz, zone text, clock time, weekdays smallint[]) returns timestamptz
language sql immutable parallel safe
return (
    select min(candidate.instant)
    from (
        select
            ((at at time zone zone)::date + days.ahead + clock) at time zone zone as instant,
            extract(isodow from (at at time zone zone)::date + days.ahead) as weekday
        from generate_series(-1, 8) as days(ahead)
    ) as candidate
    where candidate.instant > at
      and (weekdays is null or candidate.weekday = any(weekdays))
);

-- The local date and time that a JSON value stands for, or null: ISO text (an offset is converted to `zone`), or unix
-- seconds. Words such as 'today', which PostgreSQL would accept, do not count.
create function local_time_v1(value jsonb, zone text) returns timestamp
language sql immutable parallel safe
return case
    when jsonb_typeof(value) = 'number' and abs((value #>> '{}')::numeric) < 1e11
        then (timestamptz '1970-01-01 00:00:00+00' + make_interval(secs => (value #>> '{}')::double precision)) at time zone zone
    when jsonb_typeof(value) = 'string' and (value #>> '{}') ~ '^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$'
        and pg_input_is_valid(value #>> '{}', 'timestamp')
        then (value #>> '{}')::timestamp
    when jsonb_typeof(value) = 'string' and (value #>> '{}') ~ '^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)$'
        and pg_input_is_valid(value #>> '{}', 'timestamptz')
        then (value #>> '{}')::timestamptz at time zone zone
end;

-- When a wait for a date ends, for somebody who comes at `at`: null without a date, '-infinity' where the date has
-- passed and `past` is DROP, `at` itself where it has passed and `past` is CONTINUE.
create function date_attribute_v1(
    at timestamptz, value jsonb, zone text, clock time, offset_seconds integer, past text
) returns timestamptz
language sql immutable parallel safe
return (
    select case
        when due.instant > at then due.instant
        when past = 'DROP' and due.instant is not null then '-infinity'
        when past = 'CONTINUE' and due.instant is not null then at
        when past = 'NEXT_YEAR' then (
            select min(again.instant)
            from (
                select ((due.local + make_interval(years => years.n)) at time zone zone) + make_interval(secs => offset_seconds) as instant
                from generate_series(
                    greatest(1, extract(year from at)::integer - extract(year from due.local)::integer - 2),
                    greatest(1, extract(year from at)::integer - extract(year from due.local)::integer - 2) + 5
                ) as years(n)
            ) as again
            where again.instant > at
        )
    end
    from (
        select wanted.local, (wanted.local at time zone zone) + make_interval(secs => offset_seconds) as instant
        from (
            select case when clock is null then found.local else found.local::date + clock end as local
            from (select local_time_v1(value, zone) as local) as found
        ) as wanted
    ) as due
);
