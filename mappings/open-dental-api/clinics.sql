-- key: ClinicNum
-- changed: none
select c.ClinicNum, c.Description, c.Abbr, c.IsHidden
from clinic c
