-- A value as a list: null is the empty list, a single value a list of one.
create function list_of_v1(value jsonb) returns jsonb
language sql immutable parallel safe
return case
    when value is null or jsonb_typeof(value) = 'null' then '[]'::jsonb
    when jsonb_typeof(value) = 'array' then value
    else jsonb_build_array(value)
end;

-- The list `present` with what it lacks of `given` at its end. A single value counts as a list of one, null as none.
create function list_append_v1(present jsonb, given jsonb) returns jsonb
language sql immutable parallel safe
return (
    select coalesce(jsonb_agg(kept.value order by kept.place), '[]'::jsonb)
    from (
        select element.value, min(element.place) as place
        from jsonb_array_elements(list_of_v1(present) || list_of_v1(given)) with ordinality as element(value, place)
        group by element.value
    ) as kept
);

-- The list `present` without the values in `given`.
create function list_remove_v1(present jsonb, given jsonb) returns jsonb
language sql immutable parallel safe
return (
    select coalesce(jsonb_agg(element.value order by element.place), '[]'::jsonb)
    from jsonb_array_elements(present) with ordinality as element(value, place)
    where not list_of_v1(given) @> jsonb_build_array(element.value)
);

-- The attributes after the operations, applied in order; see docs/inbox.md for what each does.
create function apply_operations_v1(attributes jsonb, operations jsonb) returns jsonb
language plpgsql immutable parallel safe
as $$
declare
    result jsonb := attributes;
    operation jsonb;
    tag text;
    given jsonb;
    present jsonb;
begin
    for operation in select element.value from jsonb_array_elements(operations) as element(value) loop
        tag := operation ->> 'tag';
        given := coalesce(operation -> 'value', 'null'::jsonb);
        present := result -> tag;
        case operation ->> 'op'
            when 'set' then
                result := result || jsonb_build_object(tag, given);
            when 'unset' then
                result := result - tag;
            when 'increment' then
                result := result || jsonb_build_object(tag,
                    case when jsonb_typeof(present) = 'number' then (present #>> '{}')::numeric else 0 end
                    + case when jsonb_typeof(given) = 'number' then (given #>> '{}')::numeric else 0 end);
            when 'append' then
                result := result || jsonb_build_object(tag, list_append_v1(present, given));
            when 'remove' then
                if jsonb_typeof(present) = 'array' then
                    result := result || jsonb_build_object(tag, list_remove_v1(present, given));
                end if;
        end case;
    end loop;
    return result;
end
$$;
