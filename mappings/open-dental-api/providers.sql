-- key: ProvNum
-- changed: DateTStamp
select p.ProvNum, p.Abbr, p.LName, p.FName, p.IsHidden, p.DateTStamp
from provider p
