-- key: client_no
-- changed: edited
-- Remarks are health data that no membership needs: they stay out.
select c.client_no, c.full_name, c.known_as, c.dob, c.sex, c.phones, c.email, c.street, c.town, c.st, c.zip,
       c.acct_state, c.household_head, c.edited
from client c
