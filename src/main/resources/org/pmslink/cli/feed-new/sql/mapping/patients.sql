-- key: id
-- changed: changed_at
-- The first line names the unique key of a row (several columns: "key: office, id"), the second the column that is stamped
-- with each change ("changed: none" if there is none: then only the nightly comparison finds changes). Both must be columns
-- of this one SELECT. Paging and "what has changed since" are the engine's. Leave out what no membership needs.
select p.id, p.last_name, p.first_name, p.birth_date, p.sex, p.mobile, p.phone, p.email,
       p.street, p.city, p.state, p.zip, p.status, p.changed_at
from patient p
