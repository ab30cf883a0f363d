-- key: posting_no
-- changed: edited
select p.posting_no, p.client_no, p.day, p.kind, p.dollars, p.void, p.edited
from posting p
