-- key: PatNum
-- changed: DateTStamp
-- family: LName
-- birthDate: Birthdate
-- What PMS Link reads of Open Dental's patient table. Notes are health data that no membership needs: they stay out.
select p.PatNum, p.LName, p.FName, p.MiddleI, p.Preferred, p.Title, p.PatStatus, p.Gender, p.Position, p.Birthdate,
       p.SSN, p.Address, p.Address2, p.City, p.State, p.Zip, p.Country, p.HmPhone, p.WkPhone, p.WirelessPhone, p.Email,
       p.Guarantor, p.ChartNumber, p.Language, p.PriProv, p.ClinicNum, p.DateFirstVisit, p.PreferContactMethod,
       p.TxtMsgOk, p.DateTimeDeceased, p.SecDateEntry, p.DateTStamp
from patient p
