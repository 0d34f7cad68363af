-- The instant that a stored value stands for: an ISO date, with or without a clock and an offset (UTC where there is
-- none), or unix seconds. Null for everything else; never an error. `model.segments.moment` accepts the same texts.
-- Immutable although casts of text to times are not: the shape leaves nothing to settings, and keeps out `now`.
create function instant_v1(value jsonb) returns timestamptz
language plpgsql immutable parallel safe
as $$
declare
    content text := value #>> '{}';
begin
    case jsonb_typeof(value)
        when 'number' then
            if value::numeric between 100000000 and 32503679999 then
                return to_timestamp(value::double precision);
            end if;
        when 'string' then
            if content ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?)?$'
                and pg_input_is_valid(left(content, 10), 'date')
            then
                -- Of a text without a clock, what follows the tenth character is empty, so its day has no sign.
                if substr(content, 11) ~ '[Z+-]' then
                    return content::timestamptz;
                end if;
                return content::timestamp at time zone 'UTC';
            end if;
        else
            return null;
    end case;
    return null;
end;
$$;

-- The start of the UTC day that lies `days` days before the day of `present`.
create function days_ago_v1(present timestamptz, days integer) returns timestamptz
language sql immutable parallel safe
return (date_trunc('day', present at time zone 'UTC') - make_interval(days => days)) at time zone 'UTC';

-- The elements of a list; none where the value is no list.
create function elements_v1(value jsonb) returns setof jsonb
language sql immutable parallel safe
begin atomic
    select element.value
    from jsonb_array_elements(case when jsonb_typeof(value) = 'array' then value else '[]'::jsonb end) as element(value);
end;
